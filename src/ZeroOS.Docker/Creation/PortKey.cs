using System.Globalization;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Creation;

/// <summary>A port as Docker names it: "80/tcp".</summary>
internal static class PortKey
{
    /// <summary>Reads "80/tcp" or "80".</summary>
    /// <exception cref="DockerFault">400: it is none, or of a protocol that is not published.</exception>
    public static (int Port, PortProtocol Protocol) Parse(string key)
    {
        string[] parts = key.Split('/');
        return (Number(parts[0]), parts.Length < 2 || parts[1] == "tcp" ? PortProtocol.Tcp : parts[1] == "udp" ? PortProtocol.Udp
            : throw DockerFault.Bad($"port {key} cannot be published: the protocols are tcp and udp"));
    }

    /// <summary>A port's number.</summary>
    /// <exception cref="DockerFault">400: it is none.</exception>
    public static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= 65535 ? port
            : throw DockerFault.Bad($"\"{text}\" is no port; ports are 1 to 65535, one at a time");

    /// <summary>The key of a published port.</summary>
    public static string Of(PublishedPort port) => string.Create(CultureInfo.InvariantCulture, $"{port.Guest}/{Word(port.Protocol)}");

    /// <summary>"tcp" or "udp".</summary>
    public static string Word(PortProtocol protocol) => protocol == PortProtocol.Udp ? "udp" : "tcp";
}
