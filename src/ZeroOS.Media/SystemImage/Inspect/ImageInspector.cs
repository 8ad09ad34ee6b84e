using System.Security.Cryptography;

using ZeroOS.Bus.Farm;
using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Gpt;
using ZeroOS.Formats.Iso;
using ZeroOS.Media.SystemImage.Media;

namespace ZeroOS.Media.SystemImage.Inspect;

/// <summary>Looks into EFI files, disks, ISO images and folders of them; takes any bytes.</summary>
internal static class ImageInspector
{
    /// <summary>What is there.</summary>
    /// <exception cref="MediaException">Nothing is there, or a folder's files are not those its SHA256SUMS lists.</exception>
    /// <exception cref="InvalidDataException">A file that is no image.</exception>
    public static ImageFacts Inspect(string path) =>
        Directory.Exists(path) ? Folder(path)
        : File.Exists(path) ? Image(path)
        : throw new MediaException($"there is no file or folder {path}");

    private static ImageFacts Folder(string path)
    {
        IReadOnlyList<ImageFile> files = Checksums.Verify(path);
        ImageFacts[] media = [.. files.Where(f => f.File is MediaFiles.Efi or MediaFiles.Disk or MediaFiles.Iso)
            .Select(f => Image(Path.Combine(path, f.File)))];
        string netboot = Path.Combine(path, MediaFiles.Netboot, MediaFiles.FarmArchive);
        List<SettingsFacts> settings = [];
        if (File.Exists(netboot) && new FileInfo(netboot).Length <= FarmArchive.Bytes)
            Add(settings, netboot, FarmArchive.Unpack(File.ReadAllBytes(netboot)));
        return new ImageFacts(path, "folder", files.Sum(f => f.Bytes), null, [], [], settings, media, files);
    }

    private static ImageFacts Image(string path)
    {
        using FileStream file = File.OpenRead(path);
        string hash = Convert.ToHexStringLower(SHA256.HashData(file));
        byte[] mark = new byte[2];
        file.Position = 0;
        file.ReadAtLeast(mark, mark.Length, throwOnEndOfStream: false);
        if (mark.AsSpan().SequenceEqual("MZ"u8) && file.Length <= EfiFacts.MaxBytes && !IsoReader.IsIso(file))
            return new ImageFacts(path, "efi", file.Length, hash, [], [EfiFacts.Read(path, File.ReadAllBytes(path))], [], [], []);
        GptTable table = Table(path, file);
        PartitionFacts[] partitions = [.. table.Partitions.Select((p, i) => new PartitionFacts(i + 1, p.Name,
            p.Type == GptPartition.EfiSystem ? "EFI system" : p.Type.ToString(),
            p.Id, p.OffsetBytes, p.SizeBytes, (p.Attributes & GptPartition.LegacyBootable) != 0))];
        List<EfiFacts> systems = [];
        List<SettingsFacts> settings = [];
        FatReader volume = new(MediaSettings.SystemPartition(table).Open(file));
        foreach (FatEntry entry in volume.List().Where(e => !e.IsFolder))
            Look(volume, entry, systems, settings);
        bool iso = IsoReader.IsIso(file);
        const string IsoArchive = $"{MediaFiles.Isolinux}/{MediaFiles.FarmArchive}";
        if (iso && IsoReader.Find(file, IsoArchive) is { Bytes: <= FarmArchive.Bytes } place)
            Add(settings, "/" + IsoArchive, FarmArchive.Unpack(ReadAt(file, place)));
        return new ImageFacts(path, iso ? "iso" : "disk", file.Length, hash, partitions, systems, settings, [], []);
    }

    private static GptTable Table(string path, FileStream file)
    {
        try
        {
            return GptReader.Read(file);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path} is neither an EFI file nor a disk or ISO image of ZeroOS: {e.Message}", e);
        }
    }

    /// <summary>EFI files in their folder, and settings beside them or for a boot loader.</summary>
    private static void Look(FatReader volume, FatEntry entry, List<EfiFacts> systems, List<SettingsFacts> settings)
    {
        if (entry.Path.EndsWith(".EFI", StringComparison.OrdinalIgnoreCase))
            systems.Add(EfiFacts.Read(entry.Path, volume.ReadAll(entry, EfiFacts.MaxBytes)));
        else if (entry.Path.EndsWith(".extra.d/farm.cred", StringComparison.OrdinalIgnoreCase))
            Add(settings, entry.Path, volume.ReadAll(entry, FarmDocument.MaxBytes));
        else if (entry.Path.EndsWith("/" + MediaFiles.FarmArchive, StringComparison.OrdinalIgnoreCase))
            Add(settings, entry.Path, FarmArchive.Unpack(volume.ReadAll(entry, FarmArchive.Bytes)));
    }

    private static void Add(List<SettingsFacts> settings, string path, byte[]? document)
    {
        if (document is not null)
            settings.Add(SettingsFacts.Read(path, document));
    }

    private static byte[] ReadAt(FileStream file, (long Offset, long Bytes) place)
    {
        byte[] bytes = new byte[place.Bytes];
        file.Position = place.Offset;
        file.ReadExactly(bytes);
        return bytes;
    }
}
