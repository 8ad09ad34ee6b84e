using System.Text.Json.Nodes;
using System.Threading.Channels;

using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Oci.Build;

namespace ZeroOS.Docker.Nouns;

/// <summary>How far a pull is, as lines of JSON. What a client does not take is told no more: the last state counts.</summary>
internal sealed class PullProgress : IProgress<BuildProgress>
{
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(200);

    private readonly Channel<BuildProgress> _told =
        Channel.CreateBounded<BuildProgress>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly DockerCall _call;
    private readonly string _name;
    private readonly Task<Stream> _writing;

    /// <summary>Begins the answer.</summary>
    public PullProgress(DockerCall call, string name, string repository)
    {
        (_call, _name) = (call, name);
        _writing = WriteAsync(repository);
    }

    /// <inheritdoc/>
    public void Report(BuildProgress value) => _told.Writer.TryWrite(value);

    /// <summary>The image is there.</summary>
    public async Task EndAsync(string digest)
    {
        Stream to = await FinishAsync();
        await LineAsync(to, new JsonObject { ["status"] = $"Digest: {digest}" });
        await LineAsync(to, new JsonObject { ["status"] = $"Status: Downloaded newer image for {_name}" });
    }

    /// <summary>The image is not there.</summary>
    public async Task EndAsync(DockerFault fault) => await LineAsync(await FinishAsync(), new JsonObject
    {
        ["error"] = fault.Message,
        ["errorDetail"] = new JsonObject { ["code"] = fault.Status, ["message"] = fault.Message },
    });

    private Task<Stream> FinishAsync()
    {
        _told.Writer.TryComplete();
        return _writing;
    }

    private async Task<Stream> WriteAsync(string repository)
    {
        Stream to = await _call.BeginAsync();
        await LineAsync(to, new JsonObject { ["status"] = $"Pulling from {repository}" });
        await foreach (BuildProgress progress in _told.Reader.ReadAllAsync(_call.Cancellation))
        {
            (string id, string status) = progress.Phase switch
            {
                BuildPhase.Pulling => ("layers", "Downloading"),
                BuildPhase.Reading => ("layers", "Extracting"),
                BuildPhase.Writing => ("flist", "Building"),
                _ => ("flist", "Pushing"),
            };
            await LineAsync(to, new JsonObject
            {
                ["status"] = status,
                ["id"] = id,
                ["progressDetail"] = new JsonObject { ["current"] = progress.DoneBytes, ["total"] = progress.TotalBytes },
                ["progress"] = $"{progress.DoneBytes >> 20}MB/{progress.TotalBytes >> 20}MB",
            });
            await Task.Delay(s_every, _call.Cancellation);
        }
        return to;
    }

    private async Task LineAsync(Stream to, JsonObject line)
    {
        await to.WriteAsync((byte[])[.. Words.Bytes(line), (byte)'\r', (byte)'\n'], _call.Cancellation);
        await to.FlushAsync(_call.Cancellation);
    }
}
