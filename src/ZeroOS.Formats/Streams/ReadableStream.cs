namespace ZeroOS.Formats.Streams;

/// <summary>
/// What streams that are read have in common. A derived class says how bytes are read; writing is refused unless it says how they are written too. What a
/// stream cannot do is a <see cref="NotSupportedException"/>.
/// </summary>
/// <param name="length">Bytes in the stream, which can then seek; null for one that only goes forward.</param>
public abstract class ReadableStream(long? length = null) : Stream
{
    private long _position;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public sealed override bool CanSeek => length is not null;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public sealed override long Length => length ?? throw new NotSupportedException();

    /// <summary>Where the next byte is read, from 0; beyond the end nothing is. A derived class that can seek moves it as it reads and writes.</summary>
    public sealed override long Position
    {
        get => CanSeek ? _position : throw new NotSupportedException();
        set => _position = !CanSeek ? throw new NotSupportedException() : value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value));
    }

    /// <inheritdoc/>
    public abstract override int Read(Span<byte> buffer);

    /// <inheritdoc/>
    public sealed override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer) => throw new NotSupportedException();

    /// <inheritdoc/>
    public sealed override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public sealed override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => Length + offset,
    };

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public sealed override void SetLength(long value) => throw new NotSupportedException();
}
