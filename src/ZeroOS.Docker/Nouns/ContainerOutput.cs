using System.Globalization;

using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>What the program of a container says: logs, and attach, which is served from the log.</summary>
internal sealed class ContainerOutput(DockerApi api)
{
    /// <summary>GET /containers/{id}/logs</summary>
    public async Task LogsAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        Streams wanted = Streams.Of(call.Query);
        MachineLogs request = RequestOf(container, call.Query);
        bool framed = !container.Config.Flag("Tty");
        Stream answer = await call.BeginAsync($"application/vnd.docker.{(framed && call.Minor >= 42 ? "multiplexed" : "raw")}-stream");
        OutputFrames frames = new(answer, framed, request.Times);
        await api.Attachments.ReadAsync(container.Id, ends => CopyAsync(container, request, wanted, frames, ends), call.Cancellation);
    }

    /// <summary>POST /containers/{id}/attach. On a container that does not run it waits for the start and misses nothing of what comes.</summary>
    public async Task AttachAsync(HijackedCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        Streams wanted = Streams.Of(call.Query);
        bool framed = !container.Config.Flag("Tty");
        MachineLogs request = new() { Deployment = container.Deployment.Name, Machine = container.Machine.Name, Follow = true };
        if (!call.Query.Flag("logs") && container.Status.Starts > 0)
            request = request with { After = await EndAsync(request, call.Cancellation) };
        Task attached = api.Attachments.ReadAsync(container.Id, async ends =>
        {
            await call.HijackAsync(framed);
            api.Events.Tell(container.Notes, "attach");
            if (!call.Query.Flag("stream"))
                request = request with { Follow = false };
            else if (!container.IsRunning)
                await UntilStartedAsync(container, ends);
            await CopyAsync(container, request, wanted, new OutputFrames(call.Output, framed), ends);
        }, call.Cancellation);
        _ = DropAsync(call);
        await attached;
    }

    /// <summary>Copies the log until its end; a followed one until the container is at rest, and all that it said until then.</summary>
    private async Task CopyAsync(Container container, MachineLogs request, Streams wanted, OutputFrames to, CancellationToken cancellation)
    {
        long? position = request.After;
        if (request.Follow)
        {
            // With a tail of nothing the first piece would come too late to say where the rest begins.
            if (request.TailLines == 0)
                request = request with { TailLines = null, After = position = await EndAsync(request, cancellation) };
            using CancellationTokenSource rest = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            Task atRest = api.Mirror.UntilAsync(container.Id, now => now is null ? container : now.IsAtRest ? now : null, rest.Token);
            Task copying = ReadAsync(request, rest.Token);
            await Task.WhenAny(atRest, copying);
            await rest.CancelAsync();
            await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await atRest.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellation.ThrowIfCancellationRequested();
            if (copying.IsFaulted)
                await copying;
            request = request with { Follow = false, After = position };
        }
        try
        {
            await ReadAsync(request, cancellation);
        }
        catch (BusErrorException e) when (e.Error.Code == ErrorCodes.NotFound)
        {
            // it is removed, and its log with it
        }

        async Task ReadAsync(MachineLogs from, CancellationToken until)
        {
            await foreach (LogPiece piece in api.Node.ReadAsync(n => n.LogsAsync(from, until), until))
            {
                foreach (MachineOutput part in MachineOutput.Of(piece).Where(p => wanted.Has(p.Stream)))
                    await to.WriteAsync(part.Stream, part.Bytes, part.Time, cancellation);
                position = piece.Position;
            }
        }
    }

    // The position behind what is in the log now.
    private async Task<long> EndAsync(MachineLogs request, CancellationToken cancellation)
    {
        long end = 0;
        MachineLogs last = new() { Deployment = request.Deployment, Machine = request.Machine, TailLines = 1 };
        await foreach (LogPiece piece in api.Node.ReadAsync(n => n.LogsAsync(last, cancellation), cancellation))
            end = piece.Position;
        return end;
    }

    private Task<Container> UntilStartedAsync(Container before, CancellationToken cancellation) => api.Mirror.UntilAsync(before.Id,
        now => now is null ? before : now.IsRunning || now.Status.Starts > before.Status.Starts ? now : null, cancellation);

    // Until the program has an input, what a client sends goes nowhere; its end says nothing.
    private static async Task DropAsync(HijackedCall call)
    {
        try
        {
            byte[] buffer = new byte[4096];
            while (await call.Input.ReadAsync(buffer, call.Cancellation) > 0)
                continue;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // the connection is over
        }
    }

    private static MachineLogs RequestOf(Container container, DockerQuery query)
    {
        string tail = query.Text("tail") ?? "all";
        return new MachineLogs
        {
            Deployment = container.Deployment.Name,
            Machine = container.Machine.Name,
            Follow = query.Flag("follow"),
            // As Docker takes it: what is no number is all.
            TailLines = int.TryParse(tail, NumberStyles.None, CultureInfo.InvariantCulture, out int lines) ? lines : null,
            Since = query.Time("since"),
            Until = query.Time("until"),
            Times = query.Flag("timestamps"),
        };
    }

    /// <summary>Which of both streams are wanted.</summary>
    private readonly record struct Streams(bool Output, bool Errors)
    {
        public static Streams Of(DockerQuery query)
        {
            Streams streams = new(query.Flag("stdout"), query.Flag("stderr"));
            return streams is { Output: false, Errors: false } && !query.Flag("stdin")
                ? throw DockerFault.Bad("Bad parameters: you must choose at least one stream") : streams;
        }

        public bool Has(OutputStream stream) => stream == OutputStream.StandardError ? Errors : Output;
    }
}
