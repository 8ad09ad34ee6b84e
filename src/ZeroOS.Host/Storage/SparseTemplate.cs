using ZeroOS.Formats.Zstd;
using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>
/// A file system image from the system image (scripts/templates), unpacked once: only its blocks that are not zero are kept, a few hundred KiB.
/// </summary>
internal sealed class SparseTemplate
{
    private const int BlockBytes = 4096;
    private readonly List<(long Offset, byte[] Block)> _blocks = [];

    private SparseTemplate()
    {
    }

    /// <summary>Bytes of the whole image, a multiple of 4 KiB.</summary>
    internal long Length { get; private set; }

    /// <summary>Unpacks a zstd file.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    internal static SparseTemplate Load(string path)
    {
        SparseTemplate template = new();
        using ZstdReadStream plain = new(File.OpenRead(path));
        byte[] buffer = new byte[256 * BlockBytes];
        int length;
        do
        {
            length = plain.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length % BlockBytes != 0)
                throw new InvalidDataException($"{path} does not hold whole blocks.");
            for (int at = 0; at < length; at += BlockBytes)
            {
                ReadOnlySpan<byte> block = buffer.AsSpan(at, BlockBytes);
                if (block.ContainsAnyExcept((byte)0))
                    template._blocks.Add((template.Length + at, block.ToArray()));
            }
            template.Length += length;
        }
        while (length == buffer.Length);
        return template;
    }

    /// <summary>A copy of <paramref name="length"/> bytes at <paramref name="offset"/>, zeros included.</summary>
    internal byte[] Read(long offset, int length)
    {
        byte[] bytes = new byte[length];
        foreach ((long at, byte[] block) in _blocks)
        {
            long from = Math.Max(at, offset), to = Math.Min(at + BlockBytes, offset + length);
            if (from < to)
                block.AsSpan((int)(from - at), (int)(to - from)).CopyTo(bytes.AsSpan((int)(from - offset)));
        }
        return bytes;
    }

    /// <summary>
    /// Writes every block that is not zero, but for those that start at one of <paramref name="except"/>; the target holds zeros everywhere else.
    /// </summary>
    internal void WriteTo(FileDescriptor target, ReadOnlySpan<long> except)
    {
        foreach ((long offset, byte[] block) in _blocks)
        {
            if (!except.Contains(offset))
                target.WriteAt(block, offset);
        }
    }
}
