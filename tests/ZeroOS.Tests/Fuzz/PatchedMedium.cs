using ZeroOS.Formats.Fat;

namespace ZeroOS.Tests.Fuzz;

/// <summary>A medium of which only the changed sectors are copied.</summary>
internal sealed class PatchedMedium(byte[] sample) : IVolumeMedium
{
    private const int SectorBytes = 512;
    private readonly Dictionary<long, byte[]> _changed = [];

    /// <summary>Bytes of the medium.</summary>
    public long Length => sample.Length;

    /// <summary>Changes one byte; beyond the end nothing.</summary>
    public void Set(long offset, byte value)
    {
        if (offset < sample.Length)
            Own(offset / SectorBytes)[offset % SectorBytes] = value;
    }

    public void Read(long offset, Span<byte> buffer)
    {
        if (offset < 0 || offset > sample.Length - buffer.Length)
            throw new IOException($"{buffer.Length} bytes at {offset} of {sample.Length}");
        sample.AsSpan((int)offset, buffer.Length).CopyTo(buffer);
        foreach ((long sector, byte[] bytes) in _changed)
        {
            long start = Math.Max(offset, sector * SectorBytes), end = Math.Min(offset + buffer.Length, (sector + 1) * SectorBytes);
            if (start < end)
                bytes.AsSpan((int)(start % SectorBytes), (int)(end - start)).CopyTo(buffer[(int)(start - offset)..]);
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Assert.True(offset >= 0 && offset <= sample.Length - bytes.Length, $"a write of {bytes.Length} bytes at {offset} of {sample.Length}");
        Assert.Equal(0, (offset | (uint)bytes.Length) % SectorBytes);
        for (int at = 0; at < bytes.Length; at += SectorBytes)
            bytes.Slice(at, SectorBytes).CopyTo(Own((offset + at) / SectorBytes));
    }

    public void Flush()
    {
    }

    private byte[] Own(long sector)
    {
        if (!_changed.TryGetValue(sector, out byte[]? bytes))
        {
            bytes = new byte[SectorBytes];
            sample.AsSpan((int)(sector * SectorBytes), (int)Math.Min(SectorBytes, sample.Length - (sector * SectorBytes))).CopyTo(bytes);
            _changed.Add(sector, bytes);
        }
        return bytes;
    }
}
