using System.CommandLine;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Verbs;

/// <summary>
/// zos ps, logs (<see cref="LogsVerb"/>), stats (<see cref="StatsVerb"/>): machines as they are, what they say and what they use, in Docker's words.
/// </summary>
internal static class MachineVerbs
{
    public static IEnumerable<Command> Build(Terminal terminal) =>
    [
        Ps(terminal),
        LogsVerb.Build(terminal),
        StatsVerb.Build(terminal),
    ];

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
}
