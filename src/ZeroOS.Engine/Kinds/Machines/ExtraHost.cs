using ZeroOS.Engine.Admission;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>A line that a deployment adds to /etc/hosts: "name:address", an IPv6 address perhaps in brackets.</summary>
internal readonly record struct ExtraHost(string Name, string Address)
{
    /// <summary>In place of an address: the gateway of the machine's first network.</summary>
    public const string Gateway = "host-gateway";

    /// <summary>Whether it is the gateway, not an address.</summary>
    public bool IsGateway => Address == Gateway;

    /// <summary>Parses; false for anything else.</summary>
    public static bool TryParse(string text, out ExtraHost host)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string address = text[(colon + 1)..];
        if (address is ['[', .. string inner, ']'])
            address = inner;
        host = new ExtraHost(colon < 0 ? "" : text[..colon], address);
        return HostNames.IsName(host.Name) && (host.IsGateway || HostNames.IsAddress(address));
    }
}
