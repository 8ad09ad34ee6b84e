using System.Net.Sockets;

namespace ZeroOS.Bus.Client;

/// <summary>Carries one envelope there and the answers back; never trusted with more.</summary>
public interface IBusTransport
{
    /// <summary>Sends the envelope and yields what comes back, one envelope at a time, until the peer ends or breaks off.</summary>
    /// <exception cref="BusTransportException">The peer cannot be reached or answers something else.</exception>
    IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, CancellationToken cancellation);
}

/// <summary>The transport failed; a sentence for people. The status is HTTP's when there was one, else 0.</summary>
public sealed class BusTransportException(string message, int status = 0, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>400, 413, 429 are the gate's bare refusals.</summary>
    public int Status { get; } = status;

    /// <summary>The connection was reset before anything of an answer came: a door that is flooded does so at once, and another dial may pass.</summary>
    public bool WasReset { get; } = Causes(inner).OfType<SocketException>().Any(e => e.SocketErrorCode == SocketError.ConnectionReset);

    /// <summary>
    /// The kernel gave the connection up because nothing came from the other end any more: <see cref="Linux.TcpKeepAlive"/>, or there is no way there.
    /// </summary>
    public bool WasSilent { get; } = Causes(inner).OfType<SocketException>()
        .Any(e => e.SocketErrorCode is SocketError.TimedOut or SocketError.HostUnreachable or SocketError.NetworkUnreachable);

    private static IEnumerable<Exception> Causes(Exception? first)
    {
        for (Exception? cause = first; cause is not null; cause = cause.InnerException)
            yield return cause;
    }
}

/// <summary>What answered is not the pinned node, or not an answer to the question: nothing of it was believed.</summary>
public class SpoofedReplyException(string message) : Exception(message);

/// <summary>The answer stopped before its end: what came of it was the node's, and the rest did not come.</summary>
public sealed class UnfinishedReplyException(string message) : SpoofedReplyException(message);
