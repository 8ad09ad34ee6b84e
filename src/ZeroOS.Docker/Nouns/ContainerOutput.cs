using System.Globalization;

using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
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

    /// <summary>
    /// POST /containers/{id}/attach. On a container that does not run it waits for the start and misses nothing of what comes. A program with a terminal or an
    /// input is joined by a session; of every other the log has all that there is.
    /// </summary>
    public async Task AttachAsync(HijackedCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        Streams wanted = Streams.Of(call.Query);
        bool framed = !container.Config.Flag("Tty"), fromStart = !container.IsRunning || call.Query.Flag("logs");
        bool joins = container.Machine.Data is { Tty: true } or { Stdin: true } && call.Query.Flag("stream");
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
            OutputFrames frames = new(call.Output, framed);
            if (!joins || !await JoinAsync(container, call, fromStart, frames))
                await CopyAsync(container, request, wanted, frames, ends);
        }, call.Cancellation);
        if (!joins)
            _ = DropAsync(call);
        await attached;
    }

    // False: the program has ended by now, and its log has what the session would have shown.
    private async Task<bool> JoinAsync(Container container, HijackedCall call, bool fromStart, OutputFrames frames)
    {
        AttachBegin begin = new() { FromStart = fromStart };
        if (await api.Node.AskAsync(n => n.TryAttachAsync(container.Address, begin, call.Cancellation)) is not { } attached)
            return false;
        await using (attached)
        {
            if (attached.Program.Tty)
                await api.Terminals.JoinAsync(container.Id, attached.Session, Terminals.First(container.HostConfig));
            try
            {
                Task output = SessionStreams.CopyOutAsync(attached.Session, frames);
                Task input = call.Query.Flag("stdin") && attached.Program.Stdin
                    ? SessionStreams.CopyInAsync(attached.Session, call, ends: container.Config.Flag("StdinOnce") && !attached.Program.Tty) : DropAsync(call);
                // From a terminal no end of the input comes but that of a client that leaves.
                if (attached.Program.Tty && call.Query.Flag("stdin") && await Task.WhenAny(output, input) == input && !output.IsCompleted)
                    await attached.Session.CloseAsync(SessionCloseReason.Done);
                await output;
            }
            finally
            {
                if (attached.Program.Tty)
                    api.Terminals.Leave(container.Id, attached.Session);
            }
        }
        return true;
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

    // A start is counted before the program runs: only then can it be joined.
    private Task<Container> UntilStartedAsync(Container before, CancellationToken cancellation) => api.Mirror.UntilAsync(before.Id,
        now => now is null ? before : now.IsRunning || (now.IsAtRest && now.Status.Starts > before.Status.Starts) ? now : null, cancellation);

    // Where the program has no input, what a client sends goes nowhere, and its end says nothing.
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
