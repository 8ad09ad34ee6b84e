using System.Net.Sockets;

using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Siege.Attackers;

/// <summary>Attackers who send what is not theirs.</summary>
internal static class Forgeries
{
    private const int Workers = 32;

    /// <summary>A node.info of the owner's with a signature of nobody's, at <paramref name="perSecond"/>.</summary>
    public static Task<long> RunAsync(Target target, int perSecond, CancellationToken cancellation)
    {
        // The form is sound and the key is known: only the signature tells.
        byte[] forged = [.. target.OwnersMessage];
        int at = forged.AsSpan().LastIndexOf("\"sig\":\""u8) + 8;
        forged[at] = forged[at] == (byte)'A' ? (byte)'B' : (byte)'A';
        return SendAsync(target, forged, perSecond, cancellation);
    }

    /// <summary>A message of the owner's that somebody overheard.</summary>
    public static Task<long> ReplayAsync(Target target, int perSecond, CancellationToken cancellation) =>
        SendAsync(target, target.OwnersMessage, perSecond, cancellation);

    /// <summary>A node.info of that key.</summary>
    public static byte[] NodeInfo(IdentityKey key)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return new Message
        {
            Id = Guid.CreateVersion7(now),
            Kind = MessageKind.Request,
            From = key.Id,
            To = Message.Anyone,
            Command = Commands.NodeInfo.Name,
            Issued = now,
            Expires = now.AddMinutes(2),
        }.Sign(key);
    }

    private static async Task<long> SendAsync(Target target, byte[] envelope, int perSecond, CancellationToken cancellation)
    {
        byte[] request = [.. Target.Head(envelope.Length), .. envelope];
        long sent = 0;
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(async _ =>
        {
            using PeriodicTimer pace = new(TimeSpan.FromSeconds((double)Workers / perSecond));
            byte[] answer = new byte[256];
            while (!cancellation.IsCancellationRequested)
            {
                try
                {
                    await pace.WaitForNextTickAsync(cancellation);
                    using Socket socket = await target.DialAsync(cancellation);
                    await socket.SendAsync(request, cancellation);
                    Interlocked.Increment(ref sent);
                    _ = await socket.ReceiveAsync(answer, cancellation);
                }
                catch (Exception e) when (e is SocketException or OperationCanceledException)
                {
                    // thrown out, or the siege is over
                }
            }
        }));
        return sent;
    }
}
