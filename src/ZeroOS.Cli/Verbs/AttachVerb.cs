using System.CommandLine;

using ZeroOS.Bus.Sessions;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;

using Session = ZeroOS.Cli.Sessions.Session;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos attach: the input and the output of a machine's own program, as Docker users type it.</summary>
internal static class AttachVerb
{
    private static readonly Option<bool> s_noInput = new("--no-stdin") { Description = "do not send the input of zos to the program" };
    private static readonly Option<string> s_keys = DetachKeys.Option();
    private static readonly Option<bool> s_proxy = ProxyOption();
    private static readonly Argument<string> s_machine = new("MACHINE") { Description = "machine, as DEPLOYMENT/MACHINE or a name that is unique" };

    public static Command Build(Terminal terminal)
    {
        Command command = new("attach", "Join the program of a machine that runs: see what it writes from now on, write its input, and exit with its code.")
        {
            s_noInput, s_keys, s_proxy, s_machine,
        };
        Session.Set(command, terminal, RunAsync, lasting: true);
        return command;
    }

    /// <summary>Whether the signals of zos go to the program.</summary>
    internal static Option<bool> ProxyOption() => new("--sig-proxy")
    {
        DefaultValueFactory = _ => true,
        Description = "when attached, send the signals of zos to a program that has no terminal; --sig-proxy=false: they end zos",
    };

    private static async Task<int> RunAsync(Session session, ParseResult parsed)
    {
        DetachKeys keys = DetachKeys.Parse(parsed.GetValue(s_keys)!);
        NodeClient node = session.Connect();
        MachineName machine = await MachineFinder.FindAsync(node, parsed.GetRequiredValue(s_machine), session.Cancellation);
        AttachedStreams streams = new()
        {
            Machine = machine,
            Input = !parsed.GetValue(s_noInput),
            Keys = keys,
            ProxiesSignals = parsed.GetValue(s_proxy),
        };
        try
        {
            await using Attachment attached = await node.AttachAsync(machine, new AttachBegin(), session.Cancellation);
            if (streams.Input && !attached.Program.Stdin && session.Terminal.Keyboard is not null)
                session.Terminal.Complain("the program has no input, so what is typed goes nowhere; its deployment would say stdin: true");
            return await streams.RunAsync(session, attached) ?? 0;
        }
        catch (SessionException e)
        {
            throw new CliException($"not attached: {SessionEnds.Why(e)}", WorkloadCommand.OurFault);
        }
    }
}
