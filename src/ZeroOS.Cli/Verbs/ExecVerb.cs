using System.CommandLine;

using ZeroOS.Bus.Sessions;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

using BusSession = ZeroOS.Bus.Sessions.Session;
using Session = ZeroOS.Cli.Sessions.Session;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos exec: one more program in a machine that runs, as Docker users type it.</summary>
internal static class ExecVerb
{
    // Of a terminal that does not know its size, as a serial line.
    private const ushort UsualColumns = 80, UsualRows = 24;

    private static readonly Option<bool> s_input = new("-i", "--interactive") { Description = "send the input of zos to the program" };
    private static readonly Option<bool> s_terminal = new("-t", "--tty") { Description = "give the program a terminal; zos needs one too" };
    private static readonly Option<string[]> s_env = new("-e", "--env")
    {
        HelpName = "NAME=VALUE",
        Description = "set a variable; NAME alone takes its value from this computer"
    };
    private static readonly Option<string?> s_user = new("-u", "--user")
    {
        HelpName = "USER[:GROUP]",
        Description = "run the program as this user (default: the machine's)"
    };
    private static readonly Option<string?> s_workdir = new("-w", "--workdir")
    {
        HelpName = "PATH",
        Description = "run the program in this directory (default: the machine's)"
    };
    private static readonly Option<bool> s_privileged = new("--privileged") { Description = "give the program all capabilities" };
    private static readonly Option<string> s_keys = DetachKeys.Option();
    private static readonly Argument<string> s_machine = new("MACHINE") { Description = "machine, as DEPLOYMENT/MACHINE or a name that is unique" };
    private static readonly Argument<string[]> s_command = new("COMMAND")
    {
        Arity = ArgumentArity.OneOrMore,
        Description = "program and arguments; options behind MACHINE are the program's"
    };

    public static Command Build(Terminal terminal)
    {
        WorkloadCommand command = new("exec", "Run a program in a machine that runs, and exit with its code. Without -t, Ctrl-C ends zos and not the program.")
        {
            s_input, s_terminal, s_env, s_user, s_workdir, s_privileged, s_keys, s_machine, s_command,
        };
        Session.Set(command, terminal, RunAsync, lasting: true);
        return command;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed)
    {
        FileDescriptor? keyboard = parsed.GetValue(s_terminal) ? session.Terminal.Keyboard : null;
        if (parsed.GetValue(s_terminal) && keyboard is null)
        {
            session.Terminal.Complain("-t needs a terminal, and the input of zos is none; leave out -t");
            return CliException.Refused;    // as Docker has it; 125 would say that something was tried
        }
        ExecBegin begin = Request(parsed, keyboard);
        DetachKeys keys = DetachKeys.Parse(parsed.GetValue(s_keys)!);
        NodeClient node = session.Connect();
        MachineName machine = await MachineFinder.FindAsync(node, parsed.GetRequiredValue(s_machine), session.Cancellation);
        try
        {
            await using BusSession exec = await node.ExecAsync(machine, begin, session.Cancellation);
            try
            {
                if (await new ExecStreams(exec, session.Terminal, begin.Input, keyboard, keys).RunAsync(session.Cancellation) is int code)
                    return code;
                await SessionEnds.DetachAsync(exec);
                session.Terminal.Complain("left the program; it runs on in the machine");
                return 0;
            }
            catch (OperationCanceledException)
            {
                throw session.Interrupted
                    ? new CliException("interrupted; the program may go on in the machine", CliException.Interrupted)
                    : new CliException("the time given is over; the program may go on in the machine");
            }
            finally
            {
                await SessionEnds.LeaveAsync(exec);
            }
        }
        catch (SessionException e)
        {
            throw new CliException(Explain(e));
        }
    }

    private static ExecBegin Request(ParseResult parsed, FileDescriptor? keyboard)
    {
        string? workdir = parsed.GetValue(s_workdir);
        if (workdir is not (null or ['/', ..]))
            throw new CliException($"-w {workdir} is not an absolute path in the machine", CliException.Usage);
        return new ExecBegin
        {
            Arguments = parsed.GetRequiredValue(s_command),
            Environment = [.. RunRequest.ParseEnvironment(parsed.GetValue(s_env) ?? []).Select(v => $"{v.Key}={v.Value}")],
            User = parsed.GetValue(s_user),
            WorkingDirectory = workdir,
            Privileged = parsed.GetValue(s_privileged),
            Input = parsed.GetValue(s_input),
            Terminal = keyboard is null ? null
                : VirtualTerminal.Size(keyboard) is (int rows, int columns) ? new TerminalSize((ushort)columns, (ushort)rows)
                : new TerminalSize(UsualColumns, UsualRows),
        };
    }

    private static string Explain(SessionException end)
    {
        if (end.Reason is SessionCloseReason.Refused or SessionCloseReason.NotFound)
            return $"the program was not started: {end.Message}";
        string why = end is { Message: "", Reason: SessionCloseReason.Done } ? "the node tells no exit code" : SessionEnds.Why(end);
        return $"{why}; the program may have run";
    }
}
