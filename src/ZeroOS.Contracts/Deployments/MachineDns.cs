namespace ZeroOS.Contracts.Deployments;

/// <summary>A machine's own /etc/resolv.conf.</summary>
public sealed record MachineDns
{
    /// <summary>Addresses of name servers, 1 to 8; those of the first network if not given.</summary>
    public IReadOnlyList<string>? Servers { get; init; }

    /// <summary>Domains in which short names are looked for, at most 16; "." alone is none.</summary>
    public IReadOnlyList<string>? Search { get; init; }

    /// <summary>Options as resolv.conf(5) has them, "ndots:2", at most 16.</summary>
    public IReadOnlyList<string>? Options { get; init; }
}
