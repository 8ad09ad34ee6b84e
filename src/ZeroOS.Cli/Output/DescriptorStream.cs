using ZeroOS.Linux;

namespace ZeroOS.Cli.Output;

/// <summary>
/// One of this process's own streams, byte for byte and without a buffer: a read gives what is there, a write is out when it returns. .NET's console stream
/// edits lines when it reads from a terminal, and hides that nobody reads what it writes. Owns the descriptor.
/// </summary>
/// <param name="descriptor">A duplicate of the standard descriptor.</param>
/// <param name="name">What to call it in an error.</param>
internal sealed class DescriptorStream(FileDescriptor descriptor, string name) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int count;
        // EAGAIN: somebody who shares the terminal or the pipe has made it non-blocking.
        for (Errno e; (e = descriptor.TryRead(buffer, out count)) != Errno.None; Polling.IsReadable(descriptor, Timeout.Infinite))
        {
            if (e != Errno.EAGAIN)
                throw new LinuxException(e, "read", name);
        }
        return count;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            Errno e = descriptor.TryWrite(buffer, out int written);
            if (e is not (Errno.None or Errno.EAGAIN))
                throw new LinuxException(e, "write", name);
            if (e == Errno.EAGAIN)
                Polling.IsWritable(descriptor, Timeout.Infinite);
            buffer = buffer[written..];
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            descriptor.Dispose();
        base.Dispose(disposing);
    }
}
