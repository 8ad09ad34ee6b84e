namespace ZeroOS.Host.Storage;

/// <summary>What a look at a disk found.</summary>
/// <param name="State">What it is to the node.</param>
/// <param name="Reason">Why, without a subject: "holds a GPT partition table".</param>
internal sealed record DiskFinding(DiskState State, string Reason)
{
    /// <summary>Our record on it; meaningful if it is ours, claimed, or broken.</summary>
    public ClaimRecord Record { get; init; }

    /// <summary>What is known of what is on it.</summary>
    public IReadOnlyList<DiskSignature> Signatures { get; init; } = [];

    /// <summary>It could be used if what is on it were gone.</summary>
    public bool CanBeWiped { get; init; }

    /// <summary>It is a medium that computers boot ZeroOS from: never claimed, never erased.</summary>
    public bool IsSystemMedium { get; init; }

    /// <summary>A foreign disk by what is on it.</summary>
    internal static DiskFinding Holding(IReadOnlyList<DiskSignature> signatures)
    {
        string[] names = [.. signatures.Select(s => s.Name)];
        string list = names.Length == 1 ? names[0] : $"{string.Join(", ", names[..^1])} and {names[^1]}";
        return new DiskFinding(DiskState.Foreign, $"holds {list}") { Signatures = signatures, CanBeWiped = true };
    }

    /// <summary>A foreign disk whose content has no known signature.</summary>
    internal static DiskFinding Unknown(long offset) => new(DiskState.Foreign, $"holds unknown data at byte {offset}") { CanBeWiped = true };

    /// <summary>
    /// What a person types to make the disk empty on another Linux computer, or null. Zeros over the whole disk: wipefs and dd over its beginning leave data,
    /// and a disk with data on it is never taken.
    /// </summary>
    public string? Remedy => !CanBeWiped ? null
        : $"{(Signatures.Any(s => s.IsRaid) ? "delete the RAID in the set-up of its controller, then " : "")}to empty it on another Linux computer: "
            + "blkdiscard -z -f /dev/DISK (all of it; wipefs is not enough)";
}
