using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Creation;

/// <summary>Ports of the grant that none of the tenant's deployments publishes.</summary>
internal sealed class FreePorts(Grant? grant, IEnumerable<DeploymentStatus> deployments)
{
    private readonly HashSet<(PortProtocol, int)> _taken = [.. deployments.SelectMany(d => d.Deployment.Workloads).OfType<ZmachineWorkload>()
        .SelectMany(m => m.Data.Publish).Select(p => (p.Protocol, p.Host))];

    /// <summary>Whether the grant has ports at all.</summary>
    public bool IsAny => grant?.Ports.Count > 0;

    /// <summary>Takes the first.</summary>
    /// <exception cref="DockerFault">500: there is none.</exception>
    public int Take(PortProtocol protocol)
    {
        foreach (string range in grant?.Ports ?? [])
        {
            string[] ends = range.Split('-');
            for (int port = PortKey.Number(ends[0]), last = PortKey.Number(ends[^1]); port <= last; port++)
            {
                if (_taken.Add((protocol, port)))
                    return port;
            }
        }
        throw new DockerFault(500, "driver failed programming external connectivity: none of the grant's ports is free; name one with -p HOST:PORT");
    }
}
