using ZeroOS.Contracts.Guest;

namespace ZeroOS.Host.Guests;

/// <summary>What a guest says, checked and bounded. All calls come one at a time on the connection's own thread; they should not block for long.</summary>
public interface IGuestEvents
{
    /// <summary>First on every connection. Answer with <see cref="GuestConnection.SendSpec"/> if it has none, then <see cref="GuestConnection.LogsFrom"/>.</summary>
    void Hello(GuestConnection connection, GuestHello hello);

    /// <summary>The workload runs.</summary>
    void Started(GuestConnection connection, GuestStarted started);

    /// <summary>The workload ended; repeated on each connection until <see cref="GuestConnection.Acknowledge"/>.</summary>
    void Exited(GuestConnection connection, GuestExited exited);

    /// <summary>Setting up failed, nothing ran.</summary>
    void Failed(GuestConnection connection, GuestFailure failure);

    /// <summary>Output; <paramref name="stream"/> is 1 (stdout) or 2 (stderr). Offsets never go back on one connection, but may leave a gap (output that was dropped).</summary>
    void Log(GuestConnection connection, long offset, int stream, ReadOnlySpan<byte> bytes);

    /// <summary>The connection is over, the last call: null when the guest or its monitor closed it, else what it did that was not allowed.</summary>
    void Closed(GuestConnection connection, string? violation);
}
