using System.Globalization;
using System.Net;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Network;

/// <summary>A published port by the network's name on this node, and as a line of the file that lets a restarted node go on publishing.</summary>
internal sealed record Publication(PortProtocol Protocol, int HostPort, string Network, IPAddress Guest, int GuestPort)
{
    public static Publication Of(PortMapping mapping, WorkloadNames names) =>
        new(mapping.Protocol, mapping.HostPort, names.Of(mapping.Network), mapping.Guest, mapping.GuestPort);

    public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"{Protocol} {HostPort} {Network} {Guest} {GuestPort}");

    public static Publication? FromLine(string line)
    {
        string[] part = line.Split(' ');
        return part.Length == 5 && Enum.TryParse(part[0], out PortProtocol protocol) && int.TryParse(part[1], CultureInfo.InvariantCulture, out int host)
            && IPAddress.TryParse(part[3], out IPAddress? guest) && int.TryParse(part[4], CultureInfo.InvariantCulture, out int port)
                ? new Publication(protocol, host, part[2], guest, port)
                : null;
    }
}
