using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Images.Store;

/// <summary>Files of an image other than its device: read whole, written in one step, so that a crash leaves the old one, the new one or none.</summary>
internal static class SmallFile
{
    /// <summary>The whole file, or null when it is missing or longer than <paramref name="maxBytes"/>.</summary>
    /// <exception cref="LinuxException">Its bytes cannot be read.</exception>
    public static byte[]? TryRead(string path, int maxBytes)
    {
        using FileDescriptor? file = FileDescriptor.TryOpen(path, OpenFlags.ReadOnly | OpenFlags.NoFollow, 0, out Errno errno);
        if (file is null)
            return errno == Errno.ENOENT ? null : throw new LinuxException(errno, "open", path);
        if (file.Length is var length && length > maxBytes)
            return null;
        byte[] bytes = new byte[length];
        file.ReadExactlyAt(bytes, 0);
        return bytes;
    }

    /// <summary>What files on their way into an image's directory end with; one that is left belongs to a node that ended in the middle.</summary>
    public const string New = ".new";

    private static int s_written;

    /// <summary>A name beside <paramref name="path"/> that nobody else writes to.</summary>
    public static string Beside(string path) => string.Create(CultureInfo.InvariantCulture, $"{path}.{Interlocked.Increment(ref s_written)}{New}");

    /// <summary>Writes the file beside its place, syncs it and puts it there.</summary>
    /// <exception cref="LinuxException">What the kernel refused; ENOSPC when the disk is full.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        string temporary = Beside(path);
        try
        {
            using (FileDescriptor file = FileDescriptor.Open(temporary,
                OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate | OpenFlags.NoFollow, Mode.OwnerOnly))
            {
                file.Write(bytes);
                file.SyncData();
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (LinuxException)
        {
            File.Delete(temporary);
            throw;
        }
    }
}
