using ZeroOS.Formats.Streams;
using ZeroOS.Linux;

namespace ZeroOS.Trees;

/// <summary>
/// An open file as a stream that can seek, from its beginning. The file's own position does not count, and the descriptor stays the caller's.
/// </summary>
/// <param name="file">Open for reading.</param>
/// <param name="length">Its bytes.</param>
public sealed class SpoolStream(FileDescriptor file, long length) : ReadableStream(length)
{
    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int wanted = (int)Math.Clamp(Length - Position, 0, buffer.Length);
        if (file.TryReadAt(buffer[..wanted], Position, out int read) is var errno && errno != Errno.None)
            throw new LinuxException(errno, "pread", "spool");
        Position += read;
        return read;
    }
}
