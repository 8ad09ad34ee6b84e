using System.Globalization;
using System.Net;

namespace ZeroOS.Docker.Node;

/// <summary>A TCP port of a container to which a port of this computer alone leads, none of the node.</summary>
/// <param name="Guest">The container's port, 1 to 65535.</param>
/// <param name="Local">Where this computer listens, on its loopback.</param>
/// <param name="IsAny">Nobody named the port here: where it is taken, another does as well.</param>
internal sealed record LocalPort(int Guest, IPEndPoint Local, bool IsAny)
{
    /// <summary>Of one container; they have to fit into one annotation.</summary>
    public const int MostOfContainer = 64;

    private const string Any = "any";

    /// <summary>As they are kept: "127.0.0.1:8080 80,127.0.0.1:32768 81 any".</summary>
    public static string Write(IEnumerable<LocalPort> ports) => string.Join(',', ports.Select(p =>
        string.Create(CultureInfo.InvariantCulture, $"{p.Local} {p.Guest}{(p.IsAny ? " " + Any : "")}")));

    /// <summary>Reads what is kept. What is no port of the loopback is left out: an annotation makes this computer listen for nobody else.</summary>
    public static IReadOnlyList<LocalPort> Read(string text) => [.. text.Split(',').Select(One).OfType<LocalPort>().Take(MostOfContainer)];

    private static LocalPort? One(string text)
    {
        string[] parts = text.Split(' ');
        return parts.Length is 2 or 3 && IPEndPoint.TryParse(parts[0], out IPEndPoint? local) && local.Port > 0 && IPAddress.IsLoopback(local.Address)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int guest) && guest is >= 1 and <= ushort.MaxValue
            ? new LocalPort(guest, local, parts[^1] == Any) : null;
    }
}
