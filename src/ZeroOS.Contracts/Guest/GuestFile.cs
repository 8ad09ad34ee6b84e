namespace ZeroOS.Contracts.Guest;

/// <summary>A file that zguest writes before the process starts.</summary>
public sealed record GuestFile
{
    /// <summary>Absolute path inside the root.</summary>
    public required string Path { get; init; }

    /// <summary>All of it.</summary>
    public required byte[] Content { get; init; }

    /// <summary>The lower 12 bits of its mode.</summary>
    public required int Mode { get; init; }

    /// <summary>OCI user; "" is root.</summary>
    public string User { get; set; } = "";
}
