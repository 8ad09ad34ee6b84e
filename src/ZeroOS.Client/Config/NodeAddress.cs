using System.Globalization;

using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Client.Config;

/// <summary>[KEYID@]HOST[:PORT]; an IPv6 address stands in brackets.</summary>
public sealed record NodeAddress(KeyId? Id, string Host, int Port)
{
    /// <summary>Reads one.</summary>
    /// <exception cref="ClientException">It is none.</exception>
    public static NodeAddress Parse(string text)
    {
        KeyId? id = null;
        int at = text.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0 && !KeyId.TryParse(text[..at], out id))
            throw new ClientException($"\"{text[..at]}\" is not a key id: 43 or 44 characters of base58, as the node's screen and log show it", isUsage: true);
        string host = text[(at + 1)..];
        int port = BusPort.Tcp;
        int colon = host.LastIndexOf(':');
        if (colon >= 0 && !host.EndsWith(']'))
        {
            if (!int.TryParse(host[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535)
                throw new ClientException($"\"{host[(colon + 1)..]}\" is not a port; write HOST:PORT, and IPv6 addresses in brackets", isUsage: true);
            host = host[..colon];
        }
        if (host is ['[', .. string inner, ']'])
            host = inner;
        else if (host.Contains(':', StringComparison.Ordinal))
            throw new ClientException($"\"{host}\" needs brackets: [{host}]", isUsage: true);
        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
            throw new ClientException($"\"{host}\" is neither a host's name nor an address", isUsage: true);
        return new NodeAddress(id, host, port);
    }
}
