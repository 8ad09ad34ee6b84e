using System.CommandLine;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos stats: what machines use, in Docker's words.</summary>
internal static class StatsVerb
{
    private static readonly Argument<string[]> s_machines = new("MACHINE")
    {
        Arity = ArgumentArity.ZeroOrMore,
        Description = "machines, each as DEPLOYMENT/MACHINE or a name that is unique; without one: all of yours that run",
    };
    private static readonly Option<bool> s_once = new("--no-stream") { Description = "print one sample, over a second, and end" };

    public static Command Build(Terminal terminal)
    {
        Command command = new("stats", "Show what machines use of processors, memory, networks and disks, and what they wait for, each second until Ctrl-C.")
        {
            s_machines,
            s_once,
        };
        Session.Set(command, terminal, RunAsync, lasting: true);
        return command;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed)
    {
        NodeClient node = session.Connect();
        List<MachineName> machines = [];
        foreach (string name in parsed.GetValue(s_machines) ?? [])
            machines.Add(await MachineFinder.FindAsync(node, name, session.Cancellation));
        bool once = parsed.GetValue(s_once);
        StatsTable table = new();
        int moments = 0;
        await foreach (StatsPiece piece in node.StatsAsync(new MachineStats { Machines = machines, Follow = true }, session.Cancellation))
        {
            bool isOfFirst = moments == 0;
            moments += piece.More ? 0 : 1;
            if (session.Json)
            {
                session.WriteJson(piece, BusJson.Default.StatsPiece);
            }
            else
            {
                table.Add(piece);
                // One sample says nothing of the processors: two do.
                if (!piece.More && !(once && isOfFirst))
                    table.Write(session.Terminal, onScreen: !once && session.Terminal.ShowsScreens);
            }
            if (once && moments == (session.Json ? 1 : 2))
                break;
        }
        return 0;
    }
}
