namespace ZeroOS.Formats.Fat;

/// <summary>Makes a volume again with some files exchanged, added or taken away, everything else as it was.</summary>
public static class FatRewriter
{
    /// <summary>
    /// Writes the volume of <paramref name="source"/> with <paramref name="changes"/> into <paramref name="target"/>, which holds zeros. A volume that
    /// <see cref="FatWriter"/> made keeps every file before the first change at its place: a boot loader that wrote down its own sectors still starts.
    /// </summary>
    /// <param name="source">The volume as it is; not the same stream as the target.</param>
    /// <param name="target">Can seek, has the length of the source.</param>
    /// <param name="changes">Path and new content; null takes the file away, and a path that is not there is added at the end.</param>
    /// <exception cref="InvalidDataException">The source is damaged.</exception>
    /// <exception cref="IOException">The files do not fit.</exception>
    public static void Write(FatReader source, Stream target, IReadOnlyDictionary<string, byte[]?> changes)
    {
        Dictionary<string, byte[]?> open = new(changes, StringComparer.OrdinalIgnoreCase);
        List<FatFile> files = [];
        foreach (FatEntry entry in source.List().Where(e => !e.IsFolder).OrderBy(e => e.FirstCluster == 0).ThenBy(e => e.FirstCluster))
        {
            if (!open.Remove(entry.Path, out byte[]? content))
                files.Add(new FatFile(entry.Path, entry.Size, () => source.Open(entry)));
            else if (content is not null)
                files.Add(FatFile.Of(entry.Path, content));
        }
        files.AddRange(open.Where(c => c.Value is not null).OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => FatFile.Of(c.Key, c.Value)));
        try
        {
            FatWriter.Write(target, source.Geometry,
                source.Identity with { Label = source.Identity.Label.Length > 0 ? source.Identity.Label : "NO NAME" }, files);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"a FAT volume that cannot be written again: {e.Message}", e);
        }
    }
}
