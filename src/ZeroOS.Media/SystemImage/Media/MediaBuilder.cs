namespace ZeroOS.Media.SystemImage.Media;

/// <summary>Makes the media of an image from the files in its folder and the packaged boot loaders: the same files give the same bytes.</summary>
internal static class MediaBuilder
{
    /// <summary>
    /// Writes zeroos.img, zeroos.iso and netboot/ into the folder, and then SHA256SUMS over every file of the image; the answer is that list.
    /// </summary>
    /// <exception cref="IOException">A file or loader is missing; the message names it.</exception>
    public static IReadOnlyList<ImageFile> Build(string folder, string loaders, DateTimeOffset time)
    {
        MediaSource source = new(folder, time);
        MediaParts parts = new(loaders);
        DiskMedium.Write(source.In(MediaFiles.Disk), source, parts);
        IsoMedium.Write(source.In(MediaFiles.Iso), source, parts, scratch: source.In(".iso"));
        NetbootFolder.Write(source.In(MediaFiles.Netboot), source, parts);
        return Checksums.Write(folder, FilesOf(folder));
    }

    /// <summary>What of a folder is the image: out/ holds other things too.</summary>
    private static IEnumerable<string> FilesOf(string folder)
    {
        string[] own = [MediaFiles.Efi, MediaFiles.Kernel, MediaFiles.Initramfs, MediaFiles.Disk, MediaFiles.Iso, "measurements.json", "zeroos.spdx.json",
            MediaFiles.Certificate];
        IEnumerable<string> netboot = Directory.EnumerateFiles(Path.Combine(folder, MediaFiles.Netboot), "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(folder, f));
        return own.Where(n => File.Exists(Path.Combine(folder, n))).Concat(netboot);
    }
}
