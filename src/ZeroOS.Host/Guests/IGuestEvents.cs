using ZeroOS.Contracts.Guest;

namespace ZeroOS.Host.Guests;

/// <summary>
/// What a guest says, checked and bounded. All calls come on the loop's thread and must not wait. Those that return a string return what was not allowed, which
/// ends the connection, or null.
/// </summary>
internal interface IGuestEvents
{
    /// <summary>
    /// First on every connection. Answer one that has no spec with <see cref="GuestConnection.SendSpec"/>, another with <see cref="GuestConnection.LogsFrom"/>.
    /// </summary>
    string? Hello(GuestConnection connection, GuestHello hello);

    /// <summary>The guest took its spec and shows the secret that came with it. Answer with <see cref="GuestConnection.LogsFrom"/>.</summary>
    string? Claim(GuestConnection connection, ReadOnlySpan<byte> secret);

    /// <summary>The workload runs; at most once on a connection.</summary>
    void Started(GuestConnection connection, GuestStarted started);

    /// <summary>The workload ended; at most once on a connection, on each until <see cref="GuestConnection.Acknowledge"/>.</summary>
    void Exited(GuestConnection connection, GuestExited exited);

    /// <summary>Setting up failed, nothing ran; at most once on a connection.</summary>
    void Failed(GuestConnection connection, GuestFailure failure);

    /// <summary>How the workload is, after <see cref="GuestConnection.WantHealth"/>.</summary>
    string? Health(GuestConnection connection, GuestHealthReport report);

    /// <summary>What the workload uses, once after each <see cref="GuestConnection.WantUse"/>.</summary>
    string? Use(GuestConnection connection, GuestUse use);

    /// <summary>
    /// Output; <paramref name="stream"/> is 1 (stdout) or 2 (stderr). Offsets never go back on one connection, but may leave a gap (output that was dropped).
    /// </summary>
    string? Log(GuestConnection connection, long offset, OutputStream stream, ReadOnlySpan<byte> bytes);

    /// <summary>Everything that came at once was told.</summary>
    void Delivered(GuestConnection connection);

    /// <summary>The connection is over, the last call: null when the guest, its monitor or the node closed it, else what it did that was not allowed.</summary>
    void Closed(GuestConnection connection, string? violation);
}
