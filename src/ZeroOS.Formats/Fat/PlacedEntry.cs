namespace ZeroOS.Formats.Fat;

/// <summary>A file or directory in its directory, and where the 32 bytes are that say where its content is.</summary>
/// <param name="Name">The long name, or the short one where there is no other.</param>
/// <param name="ShortName">The short name, "BOOTX64.EFI".</param>
/// <param name="IsDirectory">A directory, not a file.</param>
/// <param name="FirstCluster">Where its content begins; 0 for an empty file.</param>
/// <param name="SizeBytes">Length of a file; 0 for a directory.</param>
/// <param name="Offset">Where the 32 bytes are on the volume.</param>
public sealed record PlacedEntry(string Name, string ShortName, bool IsDirectory, uint FirstCluster, uint SizeBytes, long Offset)
{
    /// <summary>What 32 bytes at <paramref name="offset"/> say, whose name is known.</summary>
    public static PlacedEntry Of(string name, ReadOnlySpan<byte> slot, long offset)
    {
        bool directory = FatDirectoryEntry.IsDirectory(slot);
        return new PlacedEntry(name, FatName.Short(slot), directory, FatDirectoryEntry.Cluster(slot), directory ? 0 : FatDirectoryEntry.Size(slot), offset);
    }

    /// <summary>Whether somebody who asks for this name means this entry: FAT names have no case.</summary>
    public bool IsCalled(string name) => Name.Equals(name, StringComparison.OrdinalIgnoreCase) || ShortName.Equals(name, StringComparison.OrdinalIgnoreCase);
}
