using ZeroOS.Formats.Streams;

namespace ZeroOS.Formats.Fat;

/// <summary>The content of a file in a volume: pieces of the volume, one after the other.</summary>
internal sealed class FatFileStream(Stream volume, IReadOnlyList<(long Offset, long Length)> runs, long length) : ReadableStream(length)
{
    public override int Read(Span<byte> buffer)
    {
        long at = Position;
        foreach ((long offset, long runLength) in runs)
        {
            if (at < runLength && Position < Length)
            {
                volume.Position = offset + at;
                int got = volume.Read(buffer[..(int)Math.Min(Math.Min(runLength - at, Length - Position), buffer.Length)]);
                Position += got;
                return got;
            }
            at -= runLength;
        }
        return 0;
    }
}
