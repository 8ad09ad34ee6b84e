using System.Numerics;
using System.Text.Json;

using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Output;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// One client at the workload's own input and output, from its begin until the workload or the client ends: one thread that moves bytes and waits for whichever
/// is next. It outlives the workload until the client has all of its output, but not for long.
/// </summary>
/// <param name="link">The session.</param>
/// <param name="orders">What the client says.</param>
/// <param name="workload">The workload.</param>
/// <param name="places">Places for clients at once.</param>
internal sealed class AttachSession(SessionLink link, ExecOrders orders, WorkloadStreams workload, Places places)
{
    /// <summary>Clients of a machine at once.</summary>
    internal const int MostOfMachine = 16;

    /// <summary>How long after the workload's end a client may take to read the last of its output.</summary>
    internal static readonly TimeSpan ReadsWithin = TimeSpan.FromSeconds(5);

    /// <summary>Serves the client, and says why it is over.</summary>
    internal SessionEnd Run(byte[] body)
    {
        if (AttachBeginReader.TryRead(body, out string refusal) is not { } begin)
            return new SessionEnd(SessionCloseReason.Refused, refusal);
        if (!places.TryTake())
            return new SessionEnd(SessionCloseReason.OverCapacity, $"{MostOfMachine} clients are attached to the machine, the most there can be");
        try
        {
            using OutputReader reader = workload.Output.Read(begin.FromStart, orders.Wake);
            if (workload.Exit is not null)
                return new SessionEnd(SessionCloseReason.Refused, "the program has ended");
            using ProgramInput input = new(link, orders, workload.OpenInput(), workload.OnTerminal);
            Tell(reader);
            return Serve(reader, input);
        }
        finally
        {
            places.Return();
        }
    }

    private void Tell(OutputReader reader)
    {
        AttachedProgram program = new() { Tty = workload.OnTerminal, Stdin = workload.HasInput, Skipped = reader.Offset };
        link.Send(SessionOrders.InputChannel, SessionFrameType.Data, JsonSerializer.SerializeToUtf8Bytes(program, SessionJson.Default.AttachedProgram));
        link.Send(SessionOrders.InputChannel, SessionFrameType.HalfClose, default);
        if (workload.OnTerminal)
            link.Send(ExecOrders.ErrorsChannel, SessionFrameType.HalfClose, default);
    }

    private SessionEnd Serve(OutputReader reader, ProgramInput input)
    {
        AttachedOutput output = new(link, orders, reader);
        long lastAt = long.MaxValue;
        while (link.Over is null)
        {
            orders.ForgetWaking();
            Obey();
            Pass(input);
            bool ended = workload.Output.IsEnded;
            bool moved = output.Pass();
            if (reader.HasAll)
                return Exit();
            if (reader.IsLost)
                return new SessionEnd(SessionCloseReason.OverCapacity, "its output was not read for too long, and went on without this client; the log has it");
            long now = Environment.TickCount64;
            lastAt = ended ? Math.Min(lastAt, now + (long)ReadsWithin.TotalMilliseconds) : lastAt;
            if (now >= lastAt)
                return new SessionEnd(SessionCloseReason.MachineEnded, "the machine ended, and the last of its output was not read in time");
            if (!moved)
                Polling.WaitForAny([orders.Event], input.Blocked, (int)Math.Min(link.QuietMs, lastAt - now));
            link.KeepAlive();
        }
        return link.Over;
    }

    private void Obey()
    {
        if (orders.TakeSize() is { } size)
            workload.Resize(size.Columns, size.Rows);
        for (ulong signals = orders.TakeSignals(); signals != 0; signals &= signals - 1)
            workload.Signal(BitOperations.TrailingZeroCount(signals) + 1);
    }

    // A client that closes the channel leaves the input to the others; one that ends it in order ends it for all.
    private void Pass(ProgramInput input)
    {
        if (workload.InputEnded || orders.HasClosed(SessionOrders.InputChannel))
            input.Dispose();
        input.Pass();
        if (input.IsEnded && !orders.HasClosed(SessionOrders.InputChannel))
            workload.EndInput();
    }

    private SessionEnd Exit()
    {
        link.Send(SessionOrders.OutputChannel, SessionFrameType.HalfClose, default);
        if (!workload.OnTerminal)
            link.Send(ExecOrders.ErrorsChannel, SessionFrameType.HalfClose, default);
        link.Send(SessionOrders.InputChannel, SessionFrameType.Exit, SessionFrame.ExitBody(workload.Exit?.ShellCode ?? 0));
        return new SessionEnd(SessionCloseReason.Done, "");
    }
}
