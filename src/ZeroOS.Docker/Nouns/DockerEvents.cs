using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>What happens to containers, in Docker's words: the node's events about their machines, and what was asked here.</summary>
internal sealed class DockerEvents
{
    /// <summary>Events that wait for a client; of one that does not read the oldest are forgotten.</summary>
    public const int Waiting = 1024;

    private readonly ConcurrentDictionary<Channel<JsonObject>, bool> _watchers = [];
    private readonly ConcurrentDictionary<string, (Notes Notes, string Word)> _known = new(StringComparer.Ordinal);
    private readonly DockerApi _api;

    /// <summary>Hears of everything the mirror hears of.</summary>
    public DockerEvents(DockerApi api)
    {
        _api = api;
        api.Mirror.Told += one => _ = TranslateAsync(one);
    }

    /// <summary>Something happened to a container.</summary>
    public void Tell(Notes notes, string action, params (string Name, string Value)[] more)
    {
        JsonObject attributes = Words.Map(notes.Body.Map("Labels"));
        (attributes["image"], attributes["name"]) = (notes.Image, notes.Name);
        foreach ((string name, string value) in more)
            attributes[name] = value;
        DateTimeOffset now = DateTimeOffset.UtcNow;
        Tell(new JsonObject
        {
            ["status"] = action,
            ["id"] = notes.Id,
            ["from"] = notes.Image,
            ["Type"] = notes.Kind,
            ["Action"] = action,
            ["Actor"] = new JsonObject { ["ID"] = notes.Id, ["Attributes"] = attributes },
            ["scope"] = "local",
            ["time"] = now.ToUnixTimeSeconds(),
            ["timeNano"] = now.ToUnixTimeMilliseconds() * 1_000_000,
        });
    }

    /// <summary>GET /events</summary>
    public async Task WatchAsync(DockerCall call)
    {
        Filters filters = new(call.Query, "type", "event", "container", "image", "label", "network", "volume", "scope", "daemon", "plugin");
        Channel<JsonObject> events = Channel.CreateBounded<JsonObject>(new BoundedChannelOptions(Waiting) { FullMode = BoundedChannelFullMode.DropOldest });
        using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
        if (call.Query.Time("until") is { } until)
            ends.CancelAfter(until > DateTimeOffset.UtcNow ? until - DateTimeOffset.UtcNow : TimeSpan.Zero);
        _watchers[events] = true;
        try
        {
            Stream to = await call.BeginAsync();
            await foreach (JsonObject one in events.Reader.ReadAllAsync(ends.Token))
            {
                if (!Wants(filters, one))
                    continue;
                await to.WriteAsync((byte[])[.. Words.Bytes(one), (byte)'\n'], call.Cancellation);
                await to.FlushAsync(call.Cancellation);
            }
        }
        catch (OperationCanceledException) when (!call.Cancellation.IsCancellationRequested)
        {
            // the time is over
        }
        finally
        {
            _watchers.TryRemove(events, out _);
        }
    }

    private static bool Wants(Filters filters, JsonObject one)
    {
        IReadOnlyDictionary<string, string> attributes = one.Object("Actor").Map("Attributes");
        string action = one.Text("Action")!, id = one.Text("id")!;
        return filters.Any("type", t => t == one.Text("Type")) && filters.Any("event", e => e == action || e == action.Split(':')[0])
            && filters.Any("container", c => c == attributes.GetValueOrDefault("name") || id.StartsWith(c, StringComparison.Ordinal))
            && filters.Any("image", i => i == attributes.GetValueOrDefault("image")) && filters.Labels(attributes);
    }

    private void Tell(JsonObject one)
    {
        foreach (Channel<JsonObject> watcher in _watchers.Keys)
            watcher.Writer.TryWrite((JsonObject)one.DeepClone());
    }

    // A node tells states, Docker what led to them.
    private async Task TranslateAsync(NodeEvent one)
    {
        if (one is not { Deployment: { } deployment } || _watchers.IsEmpty)
            return;
        try
        {
            Container? container = (await _api.Mirror.ContainersAsync()).FirstOrDefault(c => c.Deployment.Name == deployment);
            (Notes Notes, string Word) before = _known.GetValueOrDefault(deployment);
            if (container is null)
            {
                if (before.Notes is not null && _known.TryRemove(deployment, out _))
                    Tell(before.Notes, "destroy");
                return;
            }
            if (one.Workload != container.Machine.Name)
                return;
            if (one.Kind == EventKinds.Health)
                Tell(container.Notes, $"health_status: {one.Reason}");
            string word = one.State switch
            {
                WorkloadState.Running => "start",
                WorkloadState.Exited or WorkloadState.Stopped or WorkloadState.BackingOff or WorkloadState.Failed => "die",
                _ => before.Word ?? "",
            };
            _known[deployment] = (container.Notes, word);
            if (word == before.Word || word.Length == 0 || (word == "die" && container.Status.Starts == 0))
                return;
            Tell(container.Notes, word, word == "die" ? [("exitCode", container.ExitCode.ToString(CultureInfo.InvariantCulture))] : []);
            if (one.State == WorkloadState.Stopped)
                Tell(container.Notes, "stop");
        }
        catch (Exception e) when (Faults.Explain(e) is { Status: not 500 })
        {
            // the node is away: what happened meanwhile is not told again
        }
    }
}
