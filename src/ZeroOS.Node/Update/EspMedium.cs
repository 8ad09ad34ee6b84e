using ZeroOS.Contracts.Release;
using ZeroOS.Flist;
using ZeroOS.Formats.Efi;
using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Gpt;
using ZeroOS.Host.Storage;
using ZeroOS.Linux;

namespace ZeroOS.Node.Update;

/// <summary>The real boot medium: a FAT32 EFI system partition on a GPT disk, found by the partition's identifier and written without mounting it.</summary>
internal sealed class EspMedium : IBootMedium
{
    private const string ManifestFile = "EFI/ZEROOS/TRIAL.REL", SettingsFile = EfiPaths.Trial + Beside, KeptSettingsFile = EfiPaths.Kept + Beside;
    private const string Beside = ".extra.d/farm.cred";
    private const int MaxEfi = Contracts.Release.ReleaseManifest.MaxEfiBytes, MaxSmall = 512 << 10;

    private readonly FileDescriptor _disk;
    private readonly DeviceMedium _medium;
    private readonly GptPartition _partition;

    private EspMedium(FileDescriptor disk, GptPartition partition)
    {
        (_disk, _partition) = (disk, partition);
        _medium = new DeviceMedium(disk, partition.OffsetBytes, partition.SizeBytes);
    }

    public LoadOption TrialEntry => new()
    {
        Description = EfiFirmware.Description,
        PartitionNumber = (uint)_partition.Number,
        PartitionStart = (ulong)_partition.FirstSector,
        PartitionBlocks = (ulong)(_partition.LastSector - _partition.FirstSector + 1),
        PartitionId = _partition.Id,
        File = "\\" + EfiPaths.Trial.Replace('/', '\\'),
    };

    /// <summary>Finds the partition on the computer's disks.</summary>
    /// <exception cref="UpdateException">boot-medium: it is on none, on several, or on one that cannot be written.</exception>
    public static EspMedium Open(Guid partition) => Open(partition, BlockDisk.Find());

    /// <summary>As <see cref="Open(Guid)"/>, on given disks.</summary>
    internal static EspMedium Open(Guid partition, IReadOnlyList<BlockDisk> disks)
    {
        List<(BlockDisk Disk, GptPartition Partition)> found = [];
        foreach (BlockDisk disk in disks)
        {
            if (Partitions(disk).FirstOrDefault(p => p.Id == partition) is { } match)
                found.Add((disk, match));
        }
        (BlockDisk where, GptPartition what) = found switch
        {
            [] => throw new UpdateException("boot-medium", $"the medium this computer was booted from (partition {partition}) is not there any more"),
            [var one] => one,
            // Two sticks written from one image are the same to the firmware too; which of them it will start is its secret.
            _ => throw new UpdateException("boot-medium",
                $"several disks look like the boot medium ({string.Join(", ", found.Select(f => f.Disk.Name))}); remove all but one"),
        };
        if (where.IsReadOnly)
            throw new UpdateException("boot-medium", $"the boot medium {where.Name} is read-only");
        FileDescriptor? opened = FileDescriptor.TryOpen(where.Path, OpenFlags.ReadWrite, 0, out Errno errno);
        return opened is null ? throw new UpdateException("boot-medium", $"the boot medium {where.Name} cannot be written: {errno}")
            : new EspMedium(opened, what);
    }

    public void Dispose() => _disk.Dispose();

    public void Check(long efiBytes) => Guard(() =>
    {
        FatVolume volume = Volume();
        if (volume.Find(EfiPaths.Kept) is null)
            throw new UpdateException("boot-medium", $"{EfiPaths.Kept} is not on the boot medium");
        volume.Settle(EfiPaths.Kept, EfiPaths.Trial);
        // Room for the whole file beside what is in the slot: the name leads to the old content until the new one is complete.
        if (volume.FreeBytes() - MaxSmall < efiBytes)
            throw new UpdateException("no-room", $"the boot medium has {volume.FreeBytes() >> 20} MiB left, {(efiBytes + MaxSmall) >> 20} are needed; "
                + "write it anew with a larger partition (zos image flash)");
    });

    public void Stage(ReadOnlyMemory<byte> efi, ReadOnlyMemory<byte> settings, ReadOnlyMemory<byte> manifest) => Guard(() =>
    {
        (string Path, ReadOnlyMemory<byte> Content)[] files = [(SettingsFile, settings), (ManifestFile, manifest), (EfiPaths.Trial, efi)];
        FatVolume volume = Volume();
        foreach ((string path, ReadOnlyMemory<byte> content) in files)
            volume.Write(path, content);
        _medium.Forget();
        volume = Volume();
        foreach ((string path, ReadOnlyMemory<byte> content) in files)
        {
            if (volume.Find(path) is not { } file || !volume.Read(file, MaxEfi).AsSpan().SequenceEqual(content.Span))
                throw new UpdateException("boot-medium", $"the boot medium does not give back what was written to {path}: it is failing");
        }
    });

    public byte[]? Manifest()
    {
        try
        {
            FatVolume volume = Volume();
            return volume.Find(ManifestFile) is { } file ? volume.Read(file, MaxSmall) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Keep(Sha256Digest efi) => Guard(() =>
    {
        FatVolume volume = Volume();
        volume.Settle(EfiPaths.Kept, EfiPaths.Trial);
        // A node that died after the exchange and before it had remembered it comes here again: exchanging once more would bring the old version back.
        if (Digest(volume, EfiPaths.Kept) == efi)
            return;
        if (Digest(volume, EfiPaths.Trial) != efi)
            throw new UpdateException("boot-medium", $"{EfiPaths.Trial} on the boot medium is not the version that is on trial");
        // An image with its settings inside needs none beside it, but what follows it does: without them the node would have no owner.
        if (volume.Find(KeptSettingsFile) is null && volume.Find(SettingsFile) is { } settings)
            volume.Write(KeptSettingsFile, volume.Read(settings, MaxSmall));
        volume.Exchange(EfiPaths.Kept, EfiPaths.Trial);
    });

    private static Sha256Digest? Digest(FatVolume volume, string path) =>
        volume.Find(path) is { IsDirectory: false } file ? Sha256Digest.Of(volume.Read(file, MaxEfi)) : null;

    private FatVolume Volume() => FatVolume.Open(_medium, _partition.SizeBytes);

    private static void Guard(Action work)
    {
        try
        {
            work();
        }
        catch (IOException e)
        {
            throw new UpdateException("boot-medium", $"the boot medium: {e.Message}", e);
        }
    }

    private static IReadOnlyList<GptPartition> Partitions(BlockDisk disk)
    {
        try
        {
            using FileStream stream = new(disk.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            return GptReader.Read(stream, disk.SizeBytes / GptTable.SectorBytes).Partitions;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
