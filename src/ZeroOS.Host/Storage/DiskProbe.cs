using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>Looks at a disk without writing to it and says what it is, and why.</summary>
internal static class DiskProbe
{
    /// <summary>Smaller disks are not worth a file system of their own.</summary>
    internal const long MinimumBytes = 1L << 30;

    // The record, and the first superblock of btrfs.
    private const int StartBytes = 128 << 10;

    private const int SampleBytes = 64 << 10, Samples = 1024;

    /// <summary>What the disk is, by its record or by all that is on it.</summary>
    internal static DiskFinding Classify(BlockDisk disk)
    {
        if (disk.IsRemovable)
            return new DiskFinding(DiskState.Removable, "on USB or removable");
        using FileDescriptor? device = FileDescriptor.TryOpen(disk.Path, OpenFlags.ReadOnly, 0, out Errno errno);
        if (device is null)
            return new DiskFinding(DiskState.Broken, $"cannot be opened: {errno}");
        try
        {
            return Recognise(device, disk) ?? Judge(device, disk, DiskWindows.Read(device, disk.SizeBytes));
        }
        catch (LinuxException e)
        {
            return new DiskFinding(DiskState.Broken, $"cannot be read: {e.Errno}");
        }
    }

    /// <summary>As <see cref="Classify"/>, through a descriptor that is kept, and the id of what is on the disk.</summary>
    /// <exception cref="LinuxException">The disk cannot be read.</exception>
    internal static (DiskFinding Finding, string ContentId) Examine(FileDescriptor device, BlockDisk disk)
    {
        DiskWindows windows = DiskWindows.Read(device, disk.SizeBytes);
        return (Recognise(device, disk) ?? Judge(device, disk, windows), windows.ContentId(DiskSignature.Find(windows)));
    }

    private static DiskFinding? Recognise(FileDescriptor device, BlockDisk disk)
    {
        byte[] start = new byte[(int)Math.Min(StartBytes, disk.SizeBytes)];
        device.ReadExactlyAt(start, 0);
        return ClaimRecord.TryRead(start, out ClaimRecord record) ? Recognise(start, record) : null;
    }

    /// <summary>What a disk without our record is: everything but zeros belongs to somebody.</summary>
    private static DiskFinding Judge(FileDescriptor device, BlockDisk disk, DiskWindows windows)
    {
        DiskFinding? found = DiskSignature.Find(windows) is { Count: > 0 } signatures ? DiskFinding.Holding(signatures)
            : FirstByteSet(windows.First) is { } atStart ? DiskFinding.Unknown(atStart)
            : FirstByteSet(windows.Last) is { } atEnd ? DiskFinding.Unknown(windows.LastOffset + atEnd)
            : null;
        if (SystemMedium.IsOn(windows))
            return new DiskFinding(DiskState.Foreign, "holds a ZeroOS system image: a computer may boot from it") { IsSystemMedium = true };
        if (disk.IsReadOnly)
            return new DiskFinding(DiskState.Foreign, found is null ? "read-only" : $"read-only, and {found.Reason}");
        if (disk.SizeBytes < MinimumBytes)
            return new DiskFinding(DiskState.Foreign, found is null ? "smaller than 1 GiB" : $"smaller than 1 GiB, and {found.Reason}");
        return found
            ?? (FirstSampleSet(device, disk.SizeBytes) is { } inside ? DiskFinding.Unknown(inside) : new DiskFinding(DiskState.Empty, "nothing on it"));
    }

    /// <summary>What a disk with our record is: <paramref name="start"/> holds at least its first 128 KiB.</summary>
    internal static DiskFinding Recognise(ReadOnlySpan<byte> start, ClaimRecord record)
    {
        ReadOnlySpan<byte> super = start.Slice((int)BtrfsSuperblock.Offsets[0], BtrfsSuperblock.Bytes);
        if (!super.ContainsAnyExcept((byte)0))
            return new DiskFinding(DiskState.Claimed, "claiming it was interrupted") { Record = record };
        if (!BtrfsSuperblock.TryRead(super, out Guid id, out _))
            return new DiskFinding(DiskState.Broken, "its superblock is damaged") { Record = record };
        return id == record.FileSystem ? new DiskFinding(DiskState.Ours, "in use") { Record = record }
            : new DiskFinding(DiskState.Foreign, "its file system is not the one that was claimed") { Record = record, CanBeWiped = true };
    }

    private static long? FirstSampleSet(FileDescriptor device, long sizeBytes)
    {
        byte[] sample = new byte[SampleBytes];
        long step = (sizeBytes - SampleBytes) / Samples / 4096 * 4096;
        for (int i = 0; i < Samples; i++)
        {
            device.ReadExactlyAt(sample, i * step);
            if (FirstByteSet(sample) is { } at)
                return (i * step) + at;
        }
        return null;
    }

    private static int? FirstByteSet(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept((byte)0) is var at && at >= 0 ? at : null;
}
