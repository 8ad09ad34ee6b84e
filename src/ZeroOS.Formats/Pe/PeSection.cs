namespace ZeroOS.Formats.Pe;

/// <summary>One row of a PE section table (PE/COFF specification, section 4), its file range checked against the file it came from.</summary>
/// <param name="Name">At most 8 bytes, without the padding.</param>
/// <param name="VirtualSize">Bytes in memory, which is also how many bytes systemd-stub measures.</param>
/// <param name="Address">Where it is loaded, relative to the image.</param>
/// <param name="RawSize">Bytes in the file; zero without any.</param>
/// <param name="RawOffset">Where they begin in the file; zero without any.</param>
internal readonly record struct PeSection(string Name, uint VirtualSize, uint Address, uint RawSize, uint RawOffset);
