using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace ZeroOS.Host.Clock;

/// <summary>Asks one time server once.</summary>
internal static class SntpQuery
{
    private const int Port = 123, MostPackets = 8;

    /// <summary>How long a server is waited for.</summary>
    public static TimeSpan UsualPatience { get; } = TimeSpan.FromSeconds(3);

    /// <summary>The measurement, or why there is none after <paramref name="atMost"/>; never throws but for cancellation.</summary>
    public static async Task<(SntpOutcome Outcome, SntpSample Sample)> AskAsync(string server, ISystemClock clock, DateTimeOffset floor, TimeSpan atMost,
        CancellationToken cancellation)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(atMost);
        try
        {
            IPEndPoint address = IPEndPoint.TryParse(server, out IPEndPoint? literal) ? new IPEndPoint(literal.Address, literal.Port == 0 ? Port : literal.Port)
                : new IPEndPoint((await Dns.GetHostAddressesAsync(server, patience.Token).ConfigureAwait(false)).First(), Port);
            using Socket socket = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            await socket.ConnectAsync(address, patience.Token).ConfigureAwait(false);
            ulong nonce = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));
            DateTimeOffset sent = clock.Now;
            long started = Stopwatch.GetTimestamp();
            await socket.SendAsync(SntpPacket.Request(nonce), patience.Token).ConfigureAwait(false);
            byte[] buffer = new byte[512];
            // A flood of forged answers ends with the patience or the count, whichever is first.
            for (int i = 0; i < MostPackets; i++)
            {
                int length = await socket.ReceiveAsync(buffer, patience.Token).ConfigureAwait(false);
                SntpOutcome outcome = SntpPacket.TryRead(buffer.AsSpan(0, length), nonce, sent, Stopwatch.GetElapsedTime(started), floor,
                    out SntpSample sample);
                if (outcome != SntpOutcome.Ignored)
                    return (outcome, sample);
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException or ArgumentException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            // No name, no route or no answer: this server does not count in this round.
        }
        return (SntpOutcome.Ignored, default);
    }
}
