using System.CommandLine;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos ps, logs: machines as they are and what they say, in Docker's words.</summary>
internal static class MachineVerbs
{
    public static IEnumerable<Command> Build(Terminal terminal) =>
    [
        Ps(terminal),
        Logs(terminal),
    ];

    /// <summary>Writes a machine's output as it comes, byte for byte.</summary>
    internal static async Task CopyLogsAsync(Session session, NodeClient node, MachineLogs request)
    {
        await foreach (LogPiece piece in node.LogsAsync(request, session.Cancellation))
        {
            if (session.Json)
            {
                session.WriteJson(piece, BusJson.Default.LogPiece);
                continue;
            }
            Stream target = piece.Stream == OutputStream.StandardError ? session.Terminal.RawError : session.Terminal.RawOut;
            await target.WriteAsync(Convert.FromBase64String(piece.Data), session.Cancellation);
            await target.FlushAsync(session.Cancellation);
        }
    }

    private static Command Ps(Terminal terminal)
    {
        Command command = new("ps", "List your machines.");
        Session.Set(command, terminal, async (session, _) =>
        {
            DeploymentList all = await session.Connect().DeploymentsAsync(session.Cancellation);
            if (session.TryWriteJson(all, BusJson.Default.DeploymentList))
                return 0;
            Table table = new("MACHINE", "IMAGE", "STATE", "STARTS", "ADDRESSES", "PORTS");
            foreach (DeploymentStatus d in all.Deployments)
            {
                foreach (ZmachineWorkload machine in d.Deployment.Workloads.OfType<ZmachineWorkload>())
                {
                    WorkloadStatus? status = d.Workloads.FirstOrDefault(w => w.Name == machine.Name);
                    IEnumerable<string> ports = machine.Data.Publish.Select(p => $"{p.Host}->{p.Guest}/{p.Protocol.ToString().ToLowerInvariant()}");
                    table.Add($"{d.Deployment.Name}/{machine.Name}", machine.Data.Flist.Reference,
                        status is null ? "" : WorkloadText.Describe(status), $"{status?.Starts}",
                        string.Join(" ", status?.Addresses?.Values ?? []), string.Join(" ", ports));
                }
            }
            table.Write(terminal.Out);
            return 0;
        });
        return command;
    }

    private static Command Logs(Terminal terminal)
    {
        Argument<string> machine = new("MACHINE") { Description = "machine, as DEPLOYMENT/MACHINE or a name that is unique" };
        Option<bool> follow = new("-f", "--follow") { Description = "keep printing output as it comes" };
        Option<string?> tail = new("--tail") { HelpName = "SIZE", Description = "print only the last SIZE bytes, for example 64KiB" };
        Command command = new("logs", "Print the output of a machine, byte for byte.") { machine, follow, tail };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            NodeClient node = session.Connect();
            MachineName name = await MachineFinder.FindAsync(node, parsed.GetRequiredValue(machine), session.Cancellation);
            long? bytes = parsed.GetValue(tail) is string size ? SizeArgument.Parse(size).Bytes : null;
            await CopyLogsAsync(session, node,
                new MachineLogs { Deployment = name.Deployment, Machine = name.Machine, Follow = parsed.GetValue(follow), TailBytes = bytes });
            return 0;
        }, lasting: true);
        return command;
    }
}
