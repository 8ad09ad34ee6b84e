using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Gpt;
using ZeroOS.Formats.Iso;
using ZeroOS.Formats.Streams;

namespace ZeroOS.Media.SystemImage.Media;

/// <summary>
/// Puts farm settings on a medium that is there already, without building or signing anything: beside the EFI file, where its stub takes them from, and into
/// the archive that boot loaders for BIOS put behind the initramfs. The EFI file stays as it is, byte for byte.
/// </summary>
internal static class MediaSettings
{
    /// <summary>
    /// Writes a disk or ISO image of ours with these settings; the settings were verified before.
    /// </summary>
    /// <param name="source">The image: a disk with a GUID partition table and one system partition.</param>
    /// <param name="target">An empty stream that can seek and grow; it becomes as long as the source, with holes where it is zero.</param>
    /// <param name="document">The settings; empty takes settings away.</param>
    /// <exception cref="InvalidDataException">The source is no image of ZeroOS; the message says what is missing.</exception>
    public static void Write(Stream source, Stream target, ReadOnlySpan<byte> document)
    {
        byte[] archive = FarmArchive.Pack(document);
        GptPartition system = SystemPartition(GptReader.Read(source));
        target.SetLength(source.Length);
        SparseCopy.Range(source, target, 0, system.OffsetBytes);
        SparseCopy.Range(source, target, system.OffsetBytes + system.SizeBytes, source.Length - system.OffsetBytes - system.SizeBytes);
        using SubStream from = system.Open(source), to = system.Open(target);
        FatReader volume = new(from);
        if (volume.Find(MediaFiles.BootEfi) is null)
            throw new InvalidDataException($"no image of ZeroOS: its system partition has no {MediaFiles.BootEfi}");
        Dictionary<string, byte[]?> changes = new() { [MediaFiles.BootSettings] = document.IsEmpty ? null : document.ToArray() };
        const string DiskArchive = $"{MediaFiles.Syslinux}/{MediaFiles.FarmArchive}", IsoArchive = $"{MediaFiles.Isolinux}/{MediaFiles.FarmArchive}";
        if (volume.Find(DiskArchive) is not null)
            changes[DiskArchive] = archive;
        FatRewriter.Write(volume, to, changes);
        if (volume.Find(SyslinuxLoader.SystemFile) is not null)
            SyslinuxLoader.Read(from).CheckIn(new FatReader(to));
        if (IsoReader.IsIso(source))
            Overwrite(target, IsoReader.Find(source, IsoArchive) ?? throw new InvalidDataException($"no ISO image of ZeroOS: it has no {IsoArchive}"), archive);
    }

    /// <summary>The one partition that firmware starts from.</summary>
    /// <exception cref="InvalidDataException">There is none, or several.</exception>
    internal static GptPartition SystemPartition(GptTable table)
    {
        GptPartition[] found = [.. table.Partitions.Where(p => p.Type == GptPartition.EfiSystem)];
        return found.Length == 1 ? found[0]
            : throw new InvalidDataException($"no image of ZeroOS: {found.Length} EFI system partitions where there should be one");
    }

    private static void Overwrite(Stream target, (long Offset, long Bytes) place, byte[] archive)
    {
        if (place.Bytes != archive.Length)
            throw new InvalidDataException($"no ISO image of this version of zos: the place for settings has {place.Bytes} bytes, not {archive.Length}");
        target.Position = place.Offset;
        target.Write(archive);
    }
}
