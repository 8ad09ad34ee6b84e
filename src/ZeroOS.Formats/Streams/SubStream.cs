namespace ZeroOS.Formats.Streams;

/// <summary>
/// A range of another stream as a stream of its own: a partition of a disk, a file in an archive. Reads end with the range, and it cannot grow.
/// </summary>
/// <param name="inner">Can seek, and nobody counts on its position; closed with this one unless <paramref name="leaveOpen"/>.</param>
/// <param name="offset">Where the range begins, in bytes.</param>
/// <param name="length">Its bytes.</param>
/// <param name="leaveOpen">The stream stays the caller's.</param>
public sealed class SubStream(Stream inner, long offset, long length, bool leaveOpen = false) : ReadableStream(length)
{
    /// <inheritdoc/>
    public override bool CanRead => inner.CanRead;

    /// <inheritdoc/>
    public override bool CanWrite => inner.CanWrite;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int wanted = (int)Math.Clamp(Length - Position, 0, buffer.Length);
        if (wanted == 0)
            return 0;
        inner.Position = offset + Position;
        int got = inner.Read(buffer[..wanted]);
        Position += got;
        return got;
    }

    /// <summary>Writes all of the bytes, or none.</summary>
    /// <exception cref="IOException">They would reach beyond the end.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length > Length - Position)
            throw new IOException($"a write of {buffer.Length} bytes at {Position} reaches beyond the {Length} bytes of its range");
        inner.Position = offset + Position;
        inner.Write(buffer);
        Position += buffer.Length;
    }

    /// <inheritdoc/>
    public override void Flush() => inner.Flush();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !leaveOpen)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
