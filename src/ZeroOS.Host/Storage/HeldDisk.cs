using System.Runtime.InteropServices;

using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>
/// A disk that nobody else uses while this is open. What was looked at and what is written go through one descriptor, opened with O_EXCL: a disk that is
/// mounted, or exchanged in between, is never the one that is written.
/// </summary>
internal sealed class HeldDisk : IDisposable
{
    /// <summary>How long after the record the disk is asked whose it is.</summary>
    internal static readonly TimeSpan ReadAgainAfter = TimeSpan.FromSeconds(30);

    private const nuint BLKZEROOUT = 0x127F; // _IO(0x12, 127), uapi/linux/fs.h
    private const int StepBytes = 64 << 20, CopyBytes = 1 << 20;
    private readonly FileDescriptor _device;

    private HeldDisk(BlockDisk disk, FileDescriptor device)
    {
        (Disk, _device) = (disk, device);
        (Finding, ContentId) = DiskProbe.Examine(device, disk);
    }

    /// <summary>The disk.</summary>
    public BlockDisk Disk { get; }

    /// <summary>What it is.</summary>
    public DiskFinding Finding { get; }

    /// <summary>What is on it.</summary>
    public string ContentId { get; }

    /// <summary>Opens it and looks at it.</summary>
    /// <exception cref="DiskRefusedException">It is in use, on USB, read-only, too small, a system medium, or cannot be read.</exception>
    public static HeldDisk Open(BlockDisk disk)
    {
        if (disk.IsRemovable)
            throw new DiskRefusedException($"disk {disk.Name} is on USB or removable; the node never writes to such disks");
        if (disk.IsReadOnly)
            throw new DiskRefusedException($"disk {disk.Name} is read-only");
        if (disk.SizeBytes < DiskProbe.MinimumBytes)
            throw new DiskRefusedException($"disk {disk.Name} is smaller than 1 GiB");
        FileDescriptor device = FileDescriptor.TryOpen(disk.Path, OpenFlags.ReadWrite | OpenFlags.Exclusive, 0, out Errno errno)
            ?? throw new DiskRefusedException(errno == Errno.EBUSY ? $"disk {disk.Name} is in use" : $"disk {disk.Name} cannot be opened: {errno}");
        HeldDisk? held = null;
        try
        {
            if (device.Length != disk.SizeBytes)
                throw new DiskRefusedException($"disk {disk.Name} is another one than a moment ago");
            held = new HeldDisk(disk, device);
            if (held.Finding.IsSystemMedium)
                throw new DiskRefusedException($"disk {disk.Name} {held.Finding.Reason}; it is never claimed or erased");
            return held;
        }
        catch (LinuxException e)
        {
            device.Dispose();
            throw new DiskRefusedException($"disk {disk.Name} cannot be read: {e.Errno}");
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Zeros over the whole disk; <paramref name="progress"/> is told percents. Cancelled, it stops between two steps and the disk is foreign.
    /// </summary>
    /// <exception cref="IOException">The disk refuses, or does not read as zeros afterwards.</exception>
    public void Erase(Action<int> progress, CancellationToken cancellation)
    {
        for (long at = 0; at < Disk.SizeBytes; at += StepBytes)
        {
            cancellation.ThrowIfCancellationRequested();
            Zero(at, Math.Min(StepBytes, Disk.SizeBytes - at));
            progress((int)(100 * at / Disk.SizeBytes));
        }
        _device.Sync();
        _device.DropCache();
        if (DiskProbe.Examine(_device, Disk).Finding is { State: not DiskState.Empty } left)
            throw new IOException($"disk {Disk.Name} was written with zeros, and still {left.Reason}: it is failing");
    }

    /// <summary>
    /// Makes the disk one of ours: what names its former owner is written with zeros, then the record, which is read again after <see cref="ReadAgainAfter"/>,
    /// then the file system. A power cut before the record leaves it foreign, one after it is taken up at the next start.
    /// </summary>
    /// <exception cref="IOException">The disk refuses, or another node claimed it too.</exception>
    public void Claim(ClaimRecord claim, SparseTemplate template, Action<int> progress, TimeSpan readAgainAfter, CancellationToken cancellation)
    {
        // The template's zeros are not written by it; copies of other systems' superblocks would be found again by whoever looks at the disk.
        long front = Math.Max(template.Length, 136L << 20), end = Math.Max(front, Disk.SizeBytes - DiskWindows.EdgeBytes);
        for (long at = 0; at < front; at += StepBytes)
        {
            cancellation.ThrowIfCancellationRequested();
            Zero(at, Math.Min(StepBytes, front - at));
            progress((int)(50 * at / front));
        }
        Zero(end, Disk.SizeBytes - end);
        if (Disk.SizeBytes > BtrfsSuperblock.Offsets[^1] + CopyBytes)
            Zero(BtrfsSuperblock.Offsets[^1], CopyBytes);
        _device.Sync();
        DiskClaim.Mark(_device, claim);
        progress(60);
        cancellation.WaitHandle.WaitOne(readAgainAfter);
        cancellation.ThrowIfCancellationRequested();
        if (!DiskClaim.IsStill(_device, claim))
            throw new IOException($"disk {Disk.Name} was claimed by somebody else at the same time; it is left alone");
        progress(90);
        DiskClaim.Fill(_device, template, claim);
    }

    /// <inheritdoc/>
    public void Dispose() => _device.Dispose();

    /// <summary>By the disk's own means where it has some; else every block that is not zero yet is written.</summary>
    private void Zero(long offset, long length)
    {
        ByteRange range = new() { Start = (ulong)offset, Length = (ulong)length };
        int refused = _device.Ioctl(BLKZEROOUT, ref range);
        if (refused >= 0)
            return;
        byte[] there = new byte[(int)Math.Min(length, CopyBytes)], zeros = new byte[there.Length];
        for (long at = offset; at < offset + length; at += there.Length)
        {
            int part = (int)Math.Min(there.Length, offset + length - at);
            _device.ReadExactlyAt(there.AsSpan(0, part), at);
            if (there.AsSpan(0, part).ContainsAnyExcept((byte)0))
                _device.WriteAt(zeros.AsSpan(0, part), at);
        }
    }

    /// <summary>uint64_t range[2] of BLKZEROOUT.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ByteRange
    {
        internal ulong Start;
        internal ulong Length;
    }
}
