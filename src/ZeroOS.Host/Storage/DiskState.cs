namespace ZeroOS.Host.Storage;

/// <summary>What a disk is to the node (docs/storage.md). Only <see cref="Empty"/> may be claimed, only <see cref="Ours"/> is ever written to.</summary>
public enum DiskState
{
    /// <summary>Nothing known is on it and every sample is zero.</summary>
    Empty,

    /// <summary>Carries our claim and our file system.</summary>
    Ours,

    /// <summary>Carries our claim, but claiming was interrupted: nothing of value is on it yet.</summary>
    Claimed,

    /// <summary>Carries something else; never touched.</summary>
    Foreign,

    /// <summary>Cannot be read.</summary>
    Broken,

    /// <summary>On USB or removable: never a candidate.</summary>
    Removable,
}
