using ZeroOS.Bus.Sessions;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

using Session = ZeroOS.Cli.Sessions.Session;

namespace ZeroOS.Cli.Verbs;

/// <summary>The streams of zos at a machine's own program, for zos attach and zos run.</summary>
internal sealed record AttachedStreams
{
    /// <summary>The machine.</summary>
    public required MachineName Machine { get; init; }

    /// <summary>Whether the program is sent what zos reads, if it has an input.</summary>
    public required bool Input { get; init; }

    /// <summary>By which the person leaves.</summary>
    public required DetachKeys Keys { get; init; }

    /// <summary>The signals of zos go to a program that has no terminal.</summary>
    public required bool ProxiesSignals { get; init; }

    /// <summary>Returns the program's exit code, when all that it wrote is out; null, and it is said, when the person left.</summary>
    /// <exception cref="CliException">The session ended in any other way.</exception>
    public async Task<int?> RunAsync(Session session, Attachment attached)
    {
        FileDescriptor? keyboard = attached.Program.Tty ? session.Terminal.Keyboard : null;
        ExecStreams streams = new(attached.Session, session.Terminal, Input && attached.Program.Stdin, keyboard, Keys)
        {
            ProxiesSignals = ProxiesSignals && !attached.Program.Tty,
        };
        try
        {
            int? code = await streams.RunAsync(session.Cancellation);
            if (code is null)
            {
                await SessionEnds.DetachAsync(attached.Session);
                session.Terminal.Complain($"left {Name}, which runs on; come back with: zos attach {Name}");
            }
            return code;
        }
        catch (OperationCanceledException)
        {
            throw session.Interrupted
                ? new CliException($"interrupted; {Name} runs on", CliException.Interrupted)
                : new CliException($"the time given is over; {Name} runs on", WorkloadCommand.OurFault);
        }
        catch (SessionException e)
        {
            throw new CliException($"{SessionEnds.Why(e)}; how {Name} ends is not known here", WorkloadCommand.OurFault);
        }
        finally
        {
            await SessionEnds.LeaveAsync(attached.Session);
        }
    }

    private string Name => $"{Machine.Deployment}/{Machine.Machine}";
}
