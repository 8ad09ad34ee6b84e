using System.Net;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;

namespace ZeroOS.Siege.Attackers;

/// <summary>What an attacker is told: where the node is, what it has overheard, which addresses are its own, and what its numbers are divided by.</summary>
internal sealed record Target(string Host, int Port, KeyId Node, byte[] OwnersMessage, IdentityKey Tenant, string Network, int Slower, Random Random)
{
    /// <summary>An honest client's transport from a random address of the attacker's own.</summary>
    public HttpTransport NewTransport() => Transports.From(Address, Host, Port, TimeSpan.FromSeconds(5));

    private IPAddress Address => IPAddress.Parse($"{Network}.{Random.Next(256)}.{Random.Next(1, 255)}");

    /// <summary>Dials from a random address of the attacker's own.</summary>
    public async Task<Socket> DialAsync(CancellationToken cancellation)
    {
        Socket socket = Transports.SocketFrom(Address);
        try
        {
            await socket.ConnectAsync(Host, Port, cancellation);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The head of a request with a body of that length.</summary>
    public static byte[] Head(int length) => Encoding.ASCII.GetBytes($"POST /bus HTTP/1.1\r\nHost: n\r\nContent-Length: {length}\r\n\r\n");
}

/// <summary>One kind of attacker; another is a line in <see cref="All"/>.</summary>
internal sealed record Attacker(string Name, string Does, Func<Target, CancellationToken, Task<long>> Attack)
{
    /// <summary>Everybody who attacks; what each returns is how often it struck.</summary>
    public static readonly IReadOnlyList<Attacker> All =
    [
        new("slow-bodies", "500 bodies of 1 MiB, half sent", (t, c) => Sockets.HoldAsync(t, 500 / t.Slower, Sockets.HalfBodyAsync, c)),
        new("idle-strangers", "2,000 connections that say one byte", (t, c) => Sockets.HoldAsync(t, 2000 / t.Slower, Sockets.OneByteAsync, c)),
        new("info-strangers", "500 connections with a signed node.info each", (t, c) => Sockets.HoldAsync(t, 500 / t.Slower, Sockets.NodeInfoAsync, c)),
        new("hoarding-tenant", "512 admitted connections of one tenant", (t, c) => Sockets.HoldAsync(t, 512 / t.Slower, Sockets.TenantAsync, c)),
        new("greedy-streams", "100 streams of a tenant that nobody reads", (t, c) => Sockets.HoldAsync(t, 100 / t.Slower, Sockets.StreamAsync, c)),
        new("forger", "1,700 forged envelopes of the owner a second", (t, c) => Forgeries.RunAsync(t, 1700 / t.Slower, c)),
        new("replayer", "the owner's recorded message, 100 times a second", (t, c) => Forgeries.ReplayAsync(t, 100 / t.Slower, c)),
    ];
}
