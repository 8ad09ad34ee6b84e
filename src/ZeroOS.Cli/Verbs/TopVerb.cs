using System.CommandLine;

using ZeroOS.Bus.Sessions;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;

using BusSession = ZeroOS.Bus.Sessions.Session;
using Session = ZeroOS.Cli.Sessions.Session;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos top: what runs in a machine, by its own kernel: the image needs no ps.</summary>
internal static class TopVerb
{
    private static readonly Argument<string> s_machine = new("MACHINE") { Description = "machine, as DEPLOYMENT/MACHINE or a name that is unique" };

    public static Command Build(Terminal terminal)
    {
        Command command = new("top", "Show the processes of a machine that runs, as ps -ef does.") { s_machine };
        Session.Set(command, terminal, RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed)
    {
        NodeClient node = session.Connect();
        MachineName machine = await MachineFinder.FindAsync(node, parsed.GetRequiredValue(s_machine), session.Cancellation);
        ProcessList list;
        try
        {
            await using BusSession processes = await node.ProcessesAsync(machine, session.Cancellation);
            list = await MachineProcesses.ReadAsync(processes, session.Cancellation);
        }
        catch (SessionException e)
        {
            throw new CliException(SessionEnds.Why(e));
        }
        if (session.TryWriteJson(list, SessionJson.Default.ProcessList))
            return 0;
        Table table = new([.. ProcessColumns.Full.Titles]);
        DateTimeOffset now = DateTimeOffset.Now;
        foreach (ProcessEntry process in list.Processes)
            table.Add(ProcessColumns.Full.Row(process, now));
        table.Write(session.Terminal.Out);
        if (list.More)
            session.Terminal.Complain($"there are more processes than these {list.Processes.Count}");
        return 0;
    }
}
