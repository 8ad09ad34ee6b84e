using System.Net.Sockets;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Siege.Attackers;

/// <summary>Attackers who hold connections: as many at once as they can, each dialled again when it is taken from them.</summary>
internal static class Sockets
{
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1.5);

    /// <summary>Keeps <paramref name="count"/> connections in the state that <paramref name="strike"/> brings them into; returns how often it did.</summary>
    public static async Task<long> HoldAsync(Target target, int count, Func<Target, CancellationToken, Task<IDisposable>> strike,
        CancellationToken cancellation)
    {
        long strikes = 0;
        await Task.WhenAll(Enumerable.Range(0, count).Select(async _ =>
        {
            while (!cancellation.IsCancellationRequested)
            {
                try
                {
                    using IDisposable held = await strike(target, cancellation);
                    Interlocked.Increment(ref strikes);
                    if (held is Socket socket)
                        await UntilClosedAsync(socket, cancellation);
                    else
                        await Task.Delay(TimeSpan.FromSeconds(2), cancellation);
                }
                catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or BusTransportException or BusErrorException
                    or HttpRequestException)
                {
                    // refused: an attacker tries again, soon
                }
                if (!cancellation.IsCancellationRequested)
                    await Task.Delay(s_again, CancellationToken.None);
            }
        }));
        return strikes;
    }

    public static async Task<IDisposable> OneByteAsync(Target target, CancellationToken cancellation)
    {
        Socket socket = await target.DialAsync(cancellation);
        await socket.SendAsync("P"u8.ToArray(), cancellation);
        return socket;
    }

    public static async Task<IDisposable> HalfBodyAsync(Target target, CancellationToken cancellation)
    {
        Socket socket = await target.DialAsync(cancellation);
        await socket.SendAsync(Target.Head(Gate.MaxBytes), cancellation);
        byte[] piece = new byte[16 * 1024];
        for (int sent = 0; sent < Gate.MaxBytes - piece.Length; sent += piece.Length)
            await socket.SendAsync(piece, cancellation);
        return socket;
    }

    public static async Task<IDisposable> NodeInfoAsync(Target target, CancellationToken cancellation)
    {
        Socket socket = await target.DialAsync(cancellation);
        byte[] info = Forgeries.NodeInfo(IdentityKey.Generate());
        await socket.SendAsync(Target.Head(info.Length), cancellation);
        await socket.SendAsync(info, cancellation);
        return socket;
    }

    public static async Task<IDisposable> TenantAsync(Target target, CancellationToken cancellation)
    {
        HttpTransport transport = target.NewTransport();
        BusClient client = new(target.Tenant, target.Node, transport, TimeProvider.System);
        await client.CallAsync(Commands.DeploymentList, cancellation);
        return transport;
    }

    public static async Task<IDisposable> StreamAsync(Target target, CancellationToken cancellation)
    {
        Socket socket = await target.DialAsync(cancellation);
        try
        {
            // The transport of a client who signs well and then takes nothing.
            BusClient client = new(target.Tenant, target.Node, new DeafTransport(socket, target), TimeProvider.System);
            await foreach (NodeEvent _ in client.StreamAsync(Commands.EventsWatch, new EventsWatch(), cancellation))
            {
            }
        }
        catch (SpoofedReplyException)
        {
            // it heard nothing, as it wanted
        }
        return socket;
    }

    private static async Task UntilClosedAsync(Socket socket, CancellationToken cancellation)
    {
        byte[] buffer = new byte[1024];
        while (await socket.ReceiveAsync(buffer, cancellation) > 0)
        {
        }
    }
}
