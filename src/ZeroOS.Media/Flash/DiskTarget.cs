using ZeroOS.Linux;

namespace ZeroOS.Media.Flash;

/// <summary>A disk: opened for us alone, written and read around the page cache, so that the rate is the disk's and the comparison is too.</summary>
internal sealed class DiskTarget : FlashTarget
{
    // fs.h: re-read the partition table; drop what is cached of the device.
    private const nuint BLKRRPART = 0x125F, BLKFLSBUF = 0x1261;

    // Without O_CREAT the kernel gives a block device that is mounted, swap or part of a volume group to nobody else (open(2), O_EXCL).
    private const OpenFlags Alone = OpenFlags.ReadWrite | OpenFlags.Exclusive;

    private DiskTarget(Disk disk, FileDescriptor file, long capacity) : base(disk.Path, file) => CapacityBytes = capacity;

    /// <inheritdoc/>
    public override long? CapacityBytes { get; }

    /// <inheritdoc/>
    public override string Unfinished => $"{Name} is not whole: it has no partition table and starts nothing; write it again";

    /// <summary>Opens it.</summary>
    /// <exception cref="MediaException">It is in use, or not for this user.</exception>
    public static DiskTarget Open(Disk disk)
    {
        FileDescriptor? file = FileDescriptor.TryOpen(disk.Path, Alone | OpenFlags.Direct, 0, out Errno errno);
        if (errno == Errno.EINVAL)
            file = FileDescriptor.TryOpen(disk.Path, Alone, 0, out errno); // a driver that knows no direct transfers
        return file is not null ? new DiskTarget(disk, file, file.Length) : throw new MediaException(errno switch
        {
            Errno.EACCES or Errno.EPERM => $"{disk.Path} is not for this user; run as root (sudo)",
            Errno.EBUSY => $"{disk.Path} is in use by something of this computer (a file system, swap, a volume group); unmount it and try again",
            Errno.EROFS => $"{disk.Path} is read-only; look for a switch on the card or stick",
            _ => $"{disk.Path} cannot be opened: {errno}",
        });
    }

    /// <inheritdoc/>
    public override void Settle()
    {
        File.Sync();
        _ = File.Ioctl(BLKFLSBUF, 0); // nothing is cached but where direct transfers are not known
    }

    /// <inheritdoc/>
    public override void Finish() =>
        _ = File.Ioctl(BLKRRPART, 0); // refused when this computer looks at it already; it reads the table when it is plugged in again
}
