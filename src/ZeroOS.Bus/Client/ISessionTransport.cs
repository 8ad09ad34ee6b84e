namespace ZeroOS.Bus.Client;

/// <summary>A transport that can also open a two-way stream; never trusted with more than to carry it.</summary>
public interface ISessionTransport : IBusTransport
{
    /// <summary>The longest answer to an opening, in bytes.</summary>
    const int MaxAnswerBytes = 16 << 10;

    /// <summary>Sends an opening over a connection of its own and returns what came back: one envelope, and the stream behind it if there is one.</summary>
    /// <exception cref="BusTransportException">The peer cannot be reached, knows no sessions, or answers something else.</exception>
    Task<SessionAnswer> OpenAsync(ReadOnlyMemory<byte> envelope, CancellationToken cancellation);
}

/// <summary>The answer to an opening, of which nothing is believed yet.</summary>
/// <param name="Line">One envelope, at most <see cref="ISessionTransport.MaxAnswerBytes"/>.</param>
/// <param name="Stream">
/// Everything behind the envelope, and the way back; null when the peer went on with its usual protocol, as it does when it refuses. The receiver's to close.
/// </param>
public sealed record SessionAnswer(ReadOnlyMemory<byte> Line, Stream? Stream);
