using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>Ranges of files shared between them by the file system (ioctl_ficlonerange(2)).</summary>
public static class FileRange
{
    private const uint FICLONERANGE = 0x4020940D;

    /// <summary>
    /// Makes a range of <paramref name="target"/> share the storage of a range of <paramref name="source"/>; offsets and length are multiples of the file
    /// system's block. EOPNOTSUPP, EXDEV or EINVAL where the file system cannot.
    /// </summary>
    public static Errno TryClone(FileDescriptor source, long sourceOffset, FileDescriptor target, long targetOffset, long length)
    {
        file_clone_range range = new()
        {
            src_fd = source.Number,
            src_offset = (ulong)sourceOffset,
            src_length = (ulong)length,
            dest_offset = (ulong)targetOffset,
        };
        int result = target.Ioctl(FICLONERANGE, ref range);
        return result < 0 ? (Errno)(-result) : Errno.None;
    }

    /// <summary>struct file_clone_range (linux/fs.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct file_clone_range
    {
        internal long src_fd;
        internal ulong src_offset;
        internal ulong src_length;
        internal ulong dest_offset;
    }
}
