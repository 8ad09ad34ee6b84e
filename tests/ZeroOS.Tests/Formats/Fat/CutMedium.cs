using ZeroOS.Formats.Fat;

namespace ZeroOS.Tests.Formats.Fat;

/// <summary>A medium in memory that writes down every write and flush, and can say what a power cut would have left of them.</summary>
internal sealed class CutMedium(byte[] content) : IVolumeMedium
{
    private const int SectorBytes = 512;
    private readonly List<(long Offset, byte[] Bytes)?> _log = []; // null: a flush
    private readonly byte[] _before = [.. content];

    /// <summary>What is on it now.</summary>
    public byte[] Content { get; } = content;

    /// <summary>Writes and flushes so far.</summary>
    public int Steps => _log.Count;

    public void Read(long offset, Span<byte> buffer) => Content.AsSpan((int)offset, buffer.Length).CopyTo(buffer);

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Assert.Equal(0, offset % SectorBytes);
        Assert.Equal(0, bytes.Length % SectorBytes);
        bytes.CopyTo(Content.AsSpan((int)offset));
        _log.Add((offset, bytes.ToArray()));
    }

    public void Flush() => _log.Add(null);

    /// <summary>
    /// The medium after a cut behind so many steps: all up to the last flush, of the rest each sector or not, no matter in which order they were written.
    /// </summary>
    public byte[] CutAfter(int steps, Random random)
    {
        byte[] left = [.. _before];
        int durable = steps == 0 ? -1 : _log.FindLastIndex(steps - 1, steps, s => s is null);
        for (int i = 0; i < steps; i++)
        {
            if (_log[i] is not (long offset, byte[] bytes))
                continue;
            for (int at = 0; at < bytes.Length; at += SectorBytes)
            {
                if (i < durable || random.Next(2) == 0)
                    bytes.AsSpan(at, SectorBytes).CopyTo(left.AsSpan((int)offset + at));
            }
        }
        return left;
    }
}
