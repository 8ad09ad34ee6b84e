namespace ZeroOS.Contracts.Deployments;

/// <summary>A small file that is written into a machine before its program starts; it is sealed and returned like everything else of the deployment.</summary>
public sealed record MachineFile
{
    /// <summary>Absolute path in the machine; folders on the way are made, a file or a link of that name is replaced.</summary>
    public required string Path { get; init; }

    /// <summary>Its content as text; this or <see cref="Base64"/>.</summary>
    public string? Content { get; init; }

    /// <summary>Its content in base64 (RFC 4648, 4).</summary>
    public string? Base64 { get; init; }

    /// <summary>Three or four octal digits; "0644" if not given.</summary>
    public string? Mode { get; init; }

    /// <summary>Owner as an OCI user; root if not given.</summary>
    public string? User { get; init; }
}
