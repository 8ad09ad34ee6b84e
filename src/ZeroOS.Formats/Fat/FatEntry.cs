namespace ZeroOS.Formats.Fat;

/// <summary>A file or folder found in a volume.</summary>
/// <param name="Path">From the root, with slashes and without one in front.</param>
/// <param name="IsFolder">Whether it is a folder.</param>
/// <param name="Size">Bytes of a file as its entry says; what cannot be in the volume is refused on opening.</param>
/// <param name="FirstCluster">Where it begins; 0 for an empty file.</param>
public sealed record FatEntry(string Path, bool IsFolder, long Size, uint FirstCluster);
