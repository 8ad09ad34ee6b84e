namespace ZeroOS.Node.Doors.Http;

/// <summary>How many connections the door has, and for whom; the numbers of docs/limits.md. Tests take smaller ones.</summary>
internal sealed record ConnectionLimits
{
    /// <summary>
    /// Connections that have proven nothing yet; a network has at most an eighth of what is around it (256 an IPv4 /24 or an IPv6 /48, 32 an address or a /56,
    /// 4 a /64).
    /// </summary>
    public int Unproven { get; init; } = 2048;

    /// <summary>How long an unproven connection may stay.</summary>
    public TimeSpan UnprovenLife { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Connections of owners and tenants.</summary>
    public int Proven { get; init; } = 512;

    /// <summary>Of those, places that tenants do not get.</summary>
    public int Reserved { get; init; } = 32;

    /// <summary>Connections of one key.</summary>
    public int PerKey { get; init; } = 16;

    /// <summary>New connections a second from origins without a proof, together (<see cref="AcceptLimits"/>).</summary>
    public int NewPerSecond { get; init; } = AcceptLimits.PerSecond;
}
