using System.Net;
using System.Net.Sockets;

using ZeroOS.Formats.Dhcp;
using ZeroOS.Media.Serve.Report;

namespace ZeroOS.Media.Serve.Dhcp;

/// <summary>
/// Answers who asks to be booted, beside the DHCP server that gives addresses, and learns from what everybody hears which card got which address and which
/// computer has come so far that its system asks for one.
/// </summary>
internal sealed class ProxyDhcp(BootFiles files, IPAddress self, int httpPort, BootWatch watch)
{
    private const int ClientPort = 68;

    /// <summary>The answer to a broadcast on port 67, or null: only to who asks for a boot, and only when there is something for it.</summary>
    public byte[]? AnswerBroadcast(ReadOnlySpan<byte> datagram)
    {
        if (!BootQuestion.TryRead(datagram, out BootQuestion question) || question.IsRelayed)
            return null;
        if (question is { Type: DhcpType.Request, WantedAddress: { } address })
            watch.Assigned(question.Mac, address);
        if (!question.WantsBoot)
        {
            if (question.Type is DhcpType.Discover or DhcpType.Request)
                watch.SystemRuns(question.Mac);
            return null;
        }
        if (question.Type != DhcpType.Discover)
            return null;
        string? file = files.For(question.Kind, self, httpPort);
        watch.Asked(question.Mac, question.Kind, file, question.Architecture ?? 0);
        return file is null ? null : BootAnswer.Offer(question, self, file);
    }

    /// <summary>The answer to a datagram on port 4011, or null.</summary>
    public byte[]? AnswerNegotiation(ReadOnlySpan<byte> datagram)
    {
        if (!BootQuestion.TryRead(datagram, out BootQuestion question) || !question.WantsBoot || question.Type is not (DhcpType.Request or DhcpType.Inform))
            return null;
        if (!question.ClientAddress.Equals(IPAddress.Any))
            watch.Assigned(question.Mac, question.ClientAddress);
        return files.For(question.Kind, self, httpPort) is string file ? BootAnswer.Acknowledge(question, self, file) : null;
    }

    /// <summary>Answers broadcasts until cancelled. The client has no address yet: the answer goes to everybody.</summary>
    public Task RunBroadcastsAsync(Socket socket, CancellationToken cancellation) =>
        RunAsync(socket, d => AnswerBroadcast(d), _ => new IPEndPoint(IPAddress.Broadcast, ClientPort), cancellation);

    /// <summary>Answers negotiations until cancelled.</summary>
    public Task RunNegotiationsAsync(Socket socket, CancellationToken cancellation) =>
        RunAsync(socket, d => AnswerNegotiation(d), peer => peer, cancellation);

    private static async Task RunAsync(Socket socket, Func<ReadOnlySpan<byte>, byte[]?> answer, Func<EndPoint, EndPoint> to, CancellationToken cancellation)
    {
        byte[] buffer = new byte[BootQuestion.MaxBytes + 1];
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                SocketReceiveFromResult got = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), cancellation);
                if (answer(buffer.AsSpan(0, got.ReceivedBytes)) is byte[] reply)
                    await socket.SendToAsync(reply, to(got.RemoteEndPoint), cancellation);
            }
            catch (SocketException)
            {
                // An answer that bounced, a datagram that was too large, a cable that was pulled: the next one may do.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
