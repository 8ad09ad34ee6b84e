namespace ZeroOS.Formats.Fat;

/// <summary>A file to be written into a volume.</summary>
/// <param name="Path">With slashes and without one in front: "EFI/BOOT/BOOTX64.EFI". Folders come into being with their first file.</param>
/// <param name="Size">Bytes, below 4 GiB.</param>
/// <param name="Open">Gives the content, once; exactly <paramref name="Size"/> bytes are read and it is closed.</param>
public sealed record FatFile(string Path, long Size, Func<Stream> Open)
{
    /// <summary>A file of these bytes.</summary>
    public static FatFile Of(string path, ReadOnlyMemory<byte> content) =>
        new(path, content.Length, () => new MemoryStream(content.ToArray(), writable: false));

    /// <summary>A copy of a file on this computer.</summary>
    /// <exception cref="IOException">It is not there.</exception>
    public static FatFile Copy(string path, string source) => new(path, new FileInfo(source).Length, () => File.OpenRead(source));
}
