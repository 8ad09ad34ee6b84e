namespace ZeroOS.Media.Flash;

/// <summary>A whole disk of this computer as the kernel describes it.</summary>
internal sealed record Disk
{
    /// <summary>The kernel's name: sdb, nvme0n1.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is opened.</summary>
    public required string Path { get; init; }

    /// <summary>Bytes; 0 when no medium is in it.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Bytes of the smallest piece it reads or writes.</summary>
    public int SectorBytes { get; init; } = 512;

    /// <summary>The medium can be taken out (cards, some sticks).</summary>
    public bool IsRemovable { get; init; }

    /// <summary>It hangs on USB.</summary>
    public bool IsUsb { get; init; }

    /// <summary>Its switch, or the kernel, forbids writing.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Maker and model; empty when it does not say.</summary>
    public string Model { get; init; } = "";

    /// <summary>Serial number; empty when it has none.</summary>
    public string Serial { get; init; } = "";

    /// <summary>Who uses it or a part of it, in words: one of them is enough not to be touched.</summary>
    public IReadOnlyList<string> Uses { get; init; } = [];

    /// <summary>Meant to be written by people: removable or on USB.</summary>
    public bool IsCandidate => IsRemovable || IsUsb;

    /// <summary>What has to be repeated to write what is no candidate: its serial number, or its name when it has none.</summary>
    public string Confirmation => Serial.Length > 0 ? Serial : Name;

    /// <summary>How it is attached, for people.</summary>
    public string Attachment => (IsUsb, IsRemovable) switch
    {
        (true, true) => "USB, removable",
        (true, false) => "USB",
        (false, true) => "removable",
        _ => "built in",
    };
}
