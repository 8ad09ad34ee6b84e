namespace ZeroOS.Contracts.Guest;

/// <summary>
/// The node wants a session with the guest: zguest dials <see cref="GuestProtocol.SessionPort"/> and sends, before anything else, the machine's secret and
/// then the token. From then on both sides speak in plain frames of sessions.
/// </summary>
public sealed record GuestSession
{
    /// <summary>Which session the connection is for: <see cref="GuestProtocol.TokenBytes"/> bytes, used once.</summary>
    public required byte[] Token { get; init; }

    /// <summary>What kind: a name of <c>SessionKinds</c>.</summary>
    public required string Kind { get; init; }
}
