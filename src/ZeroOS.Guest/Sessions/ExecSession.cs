using System.Numerics;

using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Setup;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>Starts a program beside the workload.</summary>
/// <exception cref="SetupException">Why it does not run; 126 and 127 are about the program itself.</exception>
internal delegate ExecProgram StartProgram(ExecBegin begin);

/// <summary>
/// One exec session, from the client's begin to the program's exit: one thread that moves bytes between the session and the program, and waits for whichever of
/// them is next.
/// </summary>
internal sealed class ExecSession(SessionLink link, ExecOrders orders, StartProgram start)
{
    private const long LeftOverMs = 2_000;

    // What kills a workload kills what runs beside it, a moment earlier: then the session ends because the machine does, not because the program did.
    private const long KilledWithMachineMs = 250;

    private readonly byte[] _buffer = new byte[SessionLimits.BodyBytes];

    /// <summary>Runs it, and says why it is over.</summary>
    internal SessionEnd Run(byte[] body)
    {
        if (ExecBeginReader.TryRead(body, out string refusal) is not { } begin)
            return new SessionEnd(SessionCloseReason.Refused, refusal);
        ExecProgram program;
        try
        {
            program = start(begin);
        }
        catch (SetupException e) when (e.Code is 126 or 127)
        {
            link.SendNote(e.Message);
            Output(null, SessionOrders.OutputChannel).End();
            Output(null, ExecOrders.ErrorsChannel).End();
            return Exit(e.Code);
        }
        catch (SetupException e)
        {
            return new SessionEnd(SessionCloseReason.Refused, $"{e.Stage}: {e.Message}");
        }
        using (program.Streams)
            return Serve(program);
    }

    private SessionEnd Serve(ExecProgram program)
    {
        ProgramInput input = new(link, orders, program.Streams.Input, program.Streams.OnTerminal);
        ProgramOutput output = Output(program.Streams.Output, SessionOrders.OutputChannel);
        ProgramOutput errors = Output(program.Streams.Errors, ExecOrders.ErrorsChannel);
        if (program.Streams.OnTerminal)
            errors.End();
        program.Child.OnEnd(orders.Wake);
        long endedAt = 0;
        bool cut = false;
        while (link.Over is null)
        {
            orders.ForgetWaking();
            Obey(program);
            ProcessExit? exit = program.Child.Exit;
            input.Pass();
            Pass(output);
            Pass(errors);
            long now = Environment.TickCount64, next = now + link.QuietMs;
            if (exit is { } ended)
            {
                endedAt = endedAt == 0 ? now : endedAt;
                long mayExitAt = ended.Signal == SignalName.Kill ? endedAt + KilledWithMachineMs : endedAt;
                bool drained = output.IsEnded && errors.IsEnded;
                if (drained && now >= mayExitAt)
                    return Exit(ended.ShellCode);
                if (!drained && !cut && now >= endedAt + LeftOverMs)
                {
                    cut = true;
                    link.SendNote("output closed: a process that the program left behind holds it open");
                    output.Cut();
                    errors.Cut();
                    continue;
                }
                next = Math.Min(next, drained ? mayExitAt : cut ? next : endedAt + LeftOverMs);
            }
            Polling.WaitForAny([orders.Event, output.Blocked, errors.Blocked], input.Blocked, (int)Math.Max(next - now, 0));
            link.KeepAlive();
        }
        SessionEnd over = link.Over;
        if (over is { IsOurs: false, Reason: SessionCloseReason.Done } && program.Streams.OnTerminal && !output.IsEnded)
            ReadOn(program.Streams.Output);
        return over;
    }

    // A client that leaves in an order does not hang up on its program: what that writes is read until it ends, and forgotten.
    private void ReadOn(FileDescriptor terminal)
    {
        while (terminal.TryRead(_buffer, out int count) is var errno && (errno == Errno.EAGAIN || count > 0))
        {
            if (errno == Errno.EAGAIN)
                _ = Polling.IsReadable(terminal, Timeout.Infinite);
        }
    }

    private ProgramOutput Output(FileDescriptor? descriptor, uint channel) => new(link, channel, descriptor);

    private void Pass(ProgramOutput output)
    {
        if (orders.HasClosed(output.Channel))
            output.End();
        output.Pass(_buffer);
    }

    private void Obey(ExecProgram program)
    {
        if (orders.TakeSize() is { } size)
            program.Streams.Resize(size.Columns, size.Rows);
        for (ulong signals = orders.TakeSignals(); signals != 0; signals &= signals - 1)
            program.Child.Signal(BitOperations.TrailingZeroCount(signals) + 1);
    }

    private SessionEnd Exit(int code)
    {
        link.Send(SessionOrders.InputChannel, SessionFrameType.Exit, SessionFrame.ExitBody(code));
        return new SessionEnd(SessionCloseReason.Done, "");
    }
}
