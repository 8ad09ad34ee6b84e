using System.Text;

namespace ZeroOS.Linux;

/// <summary>Small files through which the kernel is read and told things: /proc, /sys, cgroups. One read or write system call a value.</summary>
public static class KernelFile
{
    /// <summary>Writes <paramref name="text"/> in one call, the refusal returned. The file is neither made nor cut.</summary>
    public static Errno TryWrite(string path, string text)
    {
        using FileDescriptor? file = FileDescriptor.TryOpen(path, OpenFlags.WriteOnly, 0, out Errno errno);
        return file is null ? errno : file.TryWrite(Encoding.UTF8.GetBytes(text), out _);
    }

    /// <summary>Writes <paramref name="text"/> in one call.</summary>
    /// <exception cref="LinuxException">What open(2) or write(2) refused.</exception>
    public static void Write(string path, string text)
    {
        if (TryWrite(path, text) is var errno && errno != Errno.None)
            throw new LinuxException(errno, "write", path);
    }

    /// <summary>Reads the file to its end, at most <paramref name="maxBytes"/>.</summary>
    /// <exception cref="LinuxException">What open(2) or read(2) refused.</exception>
    public static string Read(string path, int maxBytes = 65536)
    {
        string? text = TryRead(path, out Errno errno, maxBytes);
        return text ?? throw new LinuxException(errno, "read", path);
    }

    /// <summary>As <see cref="Read"/>, null when refused.</summary>
    public static string? TryRead(string path, out Errno errno, int maxBytes = 65536)
    {
        using FileDescriptor? file = FileDescriptor.TryOpen(path, OpenFlags.ReadOnly, 0, out errno);
        if (file is null)
            return null;
        byte[] buffer = new byte[Math.Min(maxBytes, 65536)];
        StringBuilder text = new();
        int total = 0;
        while (total < maxBytes)
        {
            errno = file.TryRead(buffer.AsSpan(0, Math.Min(buffer.Length, maxBytes - total)), out int read);
            if (errno != Errno.None)
                return null;
            if (read == 0)
                break;
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
            total += read;
        }
        return text.ToString();
    }
}
