using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Client.Deploying;

/// <summary>Finds the machine people mean: DEPLOYMENT/MACHINE, or either name alone where it can mean only one.</summary>
public static class MachineFinder
{
    /// <summary>The machine that is meant.</summary>
    /// <exception cref="ClientException">There is none, or there are several.</exception>
    public static async Task<MachineName> FindAsync(NodeClient node, string text, CancellationToken cancellation)
    {
        if (text.Split('/') is [string deployment, string machine])
            return new MachineName { Deployment = deployment, Machine = machine };
        DeploymentList all = await node.DeploymentsAsync(cancellation);
        MachineName[] found =
        [
            .. from d in all.Deployments
               from w in d.Deployment.Workloads.OfType<ZmachineWorkload>()
               where w.Name == text || d.Deployment.Name == text
               select new MachineName { Deployment = d.Deployment.Name, Machine = w.Name },
        ];
        return found switch
        {
            [] => throw new ClientException($"you have no machine \"{text}\" on this node; zos ps shows those you have"),
            [MachineName one] => one,
            _ => throw new ClientException($"\"{text}\" can mean {string.Join(" or ", found.Select(f => $"{f.Deployment}/{f.Machine}"))}; say which",
                isUsage: true),
        };
    }
}
