using System.Net;
using System.Net.Sockets;

namespace ZeroOS.Engine.Admission;

/// <summary>Names and addresses of hosts as tenants write them for a machine's own files; they are never looked up by the node.</summary>
internal static class HostNames
{
    /// <summary>Characters of a name at most (RFC 1035, 2.3.4).</summary>
    public const int MaxLength = 253;

    /// <summary>Labels of 1 to 63 letters, digits, hyphens and underscores with dots between; none begins or ends with a hyphen.</summary>
    public static bool IsName(string text) => text.Length <= MaxLength && Array.TrueForAll(text.Split('.'), IsLabel);

    /// <summary>An IPv4 address of four decimal numbers, or an IPv6 address without a zone.</summary>
    public static bool IsAddress(string text) => Ipv4Range.TryParseAddress(text, out _)
        || (text.Length <= 45 && text.Contains(':') && !text.AsSpan().ContainsAny('%', '[', '/')
            && IPAddress.TryParse(text, out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetworkV6);

    private static bool IsLabel(string label) => label.Length is >= 1 and <= 63 && label[0] != '-' && label[^1] != '-'
        && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
