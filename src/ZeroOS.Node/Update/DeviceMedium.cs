using ZeroOS.Formats.Fat;
using ZeroOS.Linux;

namespace ZeroOS.Node.Update;

/// <summary>A partition as bytes of its disk. fdatasync(2) of a block device writes what is dirty and has the disk empty its cache.</summary>
internal sealed class DeviceMedium(FileDescriptor disk, long offsetBytes, long sizeBytes) : IVolumeMedium
{
    private const nuint BLKFLSBUF = 0x1261;

    public void Read(long offset, Span<byte> buffer) => disk.ReadExactlyAt(buffer, Place(offset, buffer.Length));

    public void Write(long offset, ReadOnlySpan<byte> bytes) => disk.WriteAt(bytes, Place(offset, bytes.Length));

    public void Flush() => disk.SyncData();

    /// <summary>What is read next comes from the disk, not from the kernel's memory of what was written.</summary>
    public void Forget() => _ = disk.Ioctl(BLKFLSBUF, 0);

    private long Place(long offset, int length) => offset >= 0 && length <= sizeBytes - offset ? offsetBytes + offset
        : throw new FatException("the file system is damaged: it points outside its partition");
}
