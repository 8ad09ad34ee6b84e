using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>Looks at a disk without writing to it and says what it is, and why.</summary>
internal static class DiskProbe
{
    /// <summary>Smaller disks are not worth a file system of their own.</summary>
    internal const long MinimumBytes = 1L << 30;

    private const int EdgeBytes = 8 << 20, SampleBytes = 64 << 10, Samples = 1024;

    internal static (DiskState State, string Reason, ClaimRecord Record) Classify(BlockDisk disk)
    {
        if (disk.IsRemovable)
            return (DiskState.Removable, "on USB or removable", default);
        using FileDescriptor? device = FileDescriptor.TryOpen(disk.Path, OpenFlags.ReadOnly, 0, out Errno errno);
        if (device is null)
            return (DiskState.Broken, $"cannot be opened: {errno}", default);
        try
        {
            return Classify(device, disk);
        }
        catch (LinuxException e)
        {
            return (DiskState.Broken, $"cannot be read: {e.Errno}", default);
        }
    }

    private static (DiskState State, string Reason, ClaimRecord Record) Classify(FileDescriptor device, BlockDisk disk)
    {
        byte[] edge = new byte[(int)Math.Min(EdgeBytes, disk.SizeBytes)];
        device.ReadExactlyAt(edge, 0);
        if (ClaimRecord.TryRead(edge, out ClaimRecord record))
            return Recognise(edge, record);
        if (DiskSignature.Identify(edge) is { } start)
            return (DiskState.Foreign, $"holds {start}", default);
        if (FirstByteSet(edge) is { } atStart)
            return Unknown(atStart);
        device.ReadExactlyAt(edge, disk.SizeBytes - edge.Length);
        if (DiskSignature.IdentifyEnd(edge) is { } end)
            return (DiskState.Foreign, $"holds {end}", default);
        if (FirstByteSet(edge) is { } atEnd)
            return Unknown(disk.SizeBytes - edge.Length + atEnd);
        if (disk.IsReadOnly)
            return (DiskState.Foreign, "read-only", default);
        if (disk.SizeBytes < MinimumBytes)
            return (DiskState.Foreign, "smaller than 1 GiB", default);
        return FirstSampleSet(device, disk.SizeBytes) is { } inside ? Unknown(inside) : (DiskState.Empty, "nothing on it", default);
    }

    /// <summary>What a disk with our record is: <paramref name="start"/> holds at least its first 128 KiB.</summary>
    internal static (DiskState State, string Reason, ClaimRecord Record) Recognise(ReadOnlySpan<byte> start, ClaimRecord record)
    {
        ReadOnlySpan<byte> super = start.Slice((int)BtrfsSuperblock.Offsets[0], BtrfsSuperblock.Bytes);
        if (!super.ContainsAnyExcept((byte)0))
            return (DiskState.Claimed, "claiming it was interrupted", record);
        if (!BtrfsSuperblock.TryRead(super, out Guid id, out _))
            return (DiskState.Broken, "its superblock is damaged", record);
        return id == record.FileSystem ? (DiskState.Ours, "in use", record) : (DiskState.Foreign, "its file system is not the one that was claimed", record);
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

    private static (DiskState State, string Reason, ClaimRecord Record) Unknown(long offset) =>
        (DiskState.Foreign, $"holds unknown data at byte {offset}", default);
}
