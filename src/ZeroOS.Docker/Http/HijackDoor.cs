using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json.Nodes;

using Microsoft.AspNetCore.Connections;

namespace ZeroOS.Docker.Http;

/// <summary>
/// Looks at the first request of each connection: one that takes the connection over is served here, every other is Kestrel's. Kestrel's answers close their
/// connection, so a request that takes it over is always the first.
/// </summary>
/// <param name="find">Who serves a method and a path; null: Kestrel does.</param>
/// <param name="stopping">Ends what is open.</param>
internal sealed class HijackDoor(Func<string, DockerPath, (Func<HijackedCall, Task> Serve, IReadOnlyList<string> Values)?> find, CancellationToken stopping)
{
    /// <summary>Serves one connection.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (await PeekAsync(connection.Transport.Input) is { } head && Find(head) is var (path, serve, values))
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            connection.Transport.Input.AdvanceTo(RequestHead.End(read.Buffer)!.Value);
            // The connection's own token ends when the client has ended its direction, and with it only the input is over.
            await ServeAsync(new HijackedCall(connection.Transport, head, path, values, stopping), serve);
            return;
        }
        await next(connection);
    }

    private static async Task ServeAsync(HijackedCall call, Func<HijackedCall, Task> serve)
    {
        try
        {
            await serve(call);
        }
        catch (Exception e) when (!call.HasBegun && e is not OperationCanceledException)
        {
            // The boundary of one client: what went wrong is said as any other request's answer.
            DockerFault fault = Faults.Explain(e);
            await call.AnswerAsync(fault.Status, new JsonObject { ["message"] = fault.Message });
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // the client has gone
        }
    }

    private (DockerPath Path, Func<HijackedCall, Task> Serve, IReadOnlyList<string> Values)? Find(RequestHead head)
    {
        try
        {
            DockerPath path = DockerPath.Parse(head.Target.Split('?')[0]);
            return find(head.Method, path) is var (serve, values) ? (path, serve, values) : null;
        }
        catch (DockerFault)
        {
            return null;        // Kestrel's side says so
        }
    }

    // Nothing is consumed. What was examined stays so, and a byte less than all is, so that the next read returns at once.
    private static async Task<RequestHead?> PeekAsync(PipeReader input)
    {
        long examined = 0;
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            SequencePosition? end = RequestHead.End(read.Buffer);
            if (end is not null || read.IsCompleted || read.Buffer.Length > RequestHead.MaxBytes)
            {
                RequestHead? head = end is null ? null : RequestHead.Read(read.Buffer.Slice(0, end.Value));
                input.AdvanceTo(read.Buffer.Start, read.Buffer.GetPosition(examined));
                return head;
            }
            examined = read.Buffer.Length;
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
