using System.Net;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux;
using ZeroOS.Linux.Netfilter;

namespace ZeroOS.Host.Network;

/// <summary>
/// Connections that were made under rules which are gone. The kernel asks the translation rules once per connection: a UDP peer that never stops sending would
/// reach the machine of before for ever, and so would a TCP connection that is open.
/// </summary>
internal static class StaleConnections
{
    private const byte Tcp = 6, Udp = 17;
    private const int Dns = 53;

    /// <summary>Forgets what came in by a publication, in the root and, where the network is still there, in its namespace.</summary>
    public static int OfPublication(ConntrackSocket root, Publication gone, TenantNetwork? network)
    {
        if (network is null)
            return 0;
        ConntrackMatch match = new() { Protocol = gone.Protocol == PortProtocol.Tcp ? Tcp : Udp, DestinationPort = gone.HostPort };
        return root.Forget(match with { ReplySource = network.Far }) + network.Space.Connections.Forget(match with { Destination = network.Far });
    }

    /// <summary>Forgets everything that went through a network's cable: its addresses may be the next network's.</summary>
    public static int OfCable(ConntrackSocket root, TenantNetwork network) =>
        root.Forget(new ConntrackMatch { Source = network.Far }) + root.Forget(new ConntrackMatch { ReplySource = network.Far });

    /// <summary>Forgets guests' questions to a name server that is no longer the one.</summary>
    public static int OfResolver(ConntrackSocket root, IPAddress resolver)
    {
        ConntrackMatch match = new() { DestinationPort = Dns, ReplySource = resolver };
        return root.Forget(match with { Protocol = Udp }) + root.Forget(match with { Protocol = Tcp });
    }

    /// <summary>Runs one of the above; a kernel that cannot forget is said, and nothing else fails by it.</summary>
    public static void Forget(Func<int> which, string what, ILog log)
    {
        try
        {
            int count = which();
            if (count > 0)
                log.Info($"connections forgotten={count} of={what}");
        }
        catch (LinuxException e)
        {
            log.Warn($"connections of {what} are not forgotten: {e.Message}");
        }
    }
}
