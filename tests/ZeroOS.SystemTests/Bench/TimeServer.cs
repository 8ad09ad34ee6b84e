using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// An SNTP server (RFC 4330) with this computer's time. It stands in for those of the internet, which a node in a test does not reach: without any, the
/// node's clock is not set.
/// </summary>
internal sealed class TimeServer : IDisposable
{
    private const int Bytes = 48, Version4Server = (4 << 3) | 4, Stratum = 2;
    private const long SecondsTo1970 = 2_208_988_800;
    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));

    /// <summary>It answers from now on.</summary>
    public TimeServer() => _ = Answer();

    /// <summary>Its UDP port on this computer's loopback.</summary>
    public int Port => ((IPEndPoint)_socket.Client.LocalEndPoint!).Port;

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private async Task Answer()
    {
        try
        {
            while (true)
            {
                UdpReceiveResult question = await _socket.ReceiveAsync();
                if (question.Buffer.Length < Bytes)
                    continue;
                byte[] answer = new byte[Bytes];
                (answer[0], answer[1]) = (Version4Server, Stratum);
                question.Buffer.AsSpan(40, 8).CopyTo(answer.AsSpan(24)); // whose answer it is
                foreach (int at in (int[])[16, 32, 40])
                    Stamp(answer.AsSpan(at));
                await _socket.SendAsync(answer, question.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static void Stamp(Span<byte> to)
    {
        long ticks = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks;
        BinaryPrimitives.WriteUInt32BigEndian(to, (uint)((ticks / TimeSpan.TicksPerSecond) + SecondsTo1970));
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], (uint)(ticks % TimeSpan.TicksPerSecond * 4294967296.0 / TimeSpan.TicksPerSecond));
    }
}
