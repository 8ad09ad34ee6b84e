using ZeroOS.Linux;

namespace ZeroOS.Engine.Logs;

/// <summary>What brings a log onto the medium; tests play it.</summary>
/// <param name="path">A file of a log, or a folder.</param>
/// <param name="isFolder">Which of the two.</param>
internal delegate void LogSync(string path, bool isFolder);

/// <summary>The real one.</summary>
internal static class LogDisk
{
    /// <summary>
    /// Waits until the data of a file (fdatasync(2)), or what a folder says of files (fsync(2)), is on the medium. It opens what it syncs, so whoever writes
    /// may close and delete at any time. What is gone needs nothing.
    /// </summary>
    /// <exception cref="LinuxException">The disk refuses.</exception>
    public static void Sync(string path, bool isFolder)
    {
        using FileDescriptor? file = FileDescriptor.TryOpen(path, OpenFlags.ReadOnly | (isFolder ? OpenFlags.Directory : 0), 0, out Errno errno);
        if (file is null)
        {
            if (errno != Errno.ENOENT)
                throw new LinuxException(errno, "open", path);
        }
        else if (isFolder)
            file.Sync();
        else
            file.SyncData();
    }
}
