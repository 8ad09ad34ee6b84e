using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Formats.Iso;

/// <summary>
/// Finds files in an ISO 9660 image (ECMA-119) by the names every system reads: capitals, without version numbers. What is wrong is an
/// <see cref="InvalidDataException"/>; time and memory are bounded.
/// </summary>
public static class IsoReader
{
    private const int SectorBytes = 2048, FirstDescriptor = 16, MaxDescriptors = 64, MaxFolderBytes = 1 << 20, MaxDepth = 8,
        RootRecordAt = 156, RecordBytes = 34;

    /// <summary>Whether the stream begins as such an image does.</summary>
    public static bool IsIso(Stream image)
    {
        byte[] mark = new byte[6];
        return TryRead(image, FirstDescriptor * (long)SectorBytes, mark) && mark.AsSpan(1).SequenceEqual("CD001"u8);
    }

    /// <summary>Where a file lies in the image, in bytes; null if there is none of that path ("isolinux/farm.cpio", in whatever case).</summary>
    /// <exception cref="InvalidDataException">Not such an image, or a damaged one.</exception>
    public static (long Offset, long Bytes)? Find(Stream image, string path)
    {
        (long Offset, long Bytes) found = Root(image);
        string[] parts = path.Split('/');
        if (parts.Length > MaxDepth)
            throw new InvalidDataException($"{path}: an ISO image has {MaxDepth} levels of folders at most");
        for (int i = 0; i < parts.Length; i++)
        {
            if (FindIn(image, found, parts[i], folder: i < parts.Length - 1) is not { } next)
                return null;
            found = next;
        }
        return found;
    }

    private static (long Offset, long Bytes) Root(Stream image)
    {
        byte[] descriptor = new byte[SectorBytes];
        for (int i = 0; i < MaxDescriptors; i++)
        {
            const byte Primary = 1, Terminator = 255;
            if (!TryRead(image, (FirstDescriptor + (long)i) * SectorBytes, descriptor) || !descriptor.AsSpan(1, 5).SequenceEqual("CD001"u8)
                || descriptor[0] == Terminator)
                break;
            if (descriptor[0] == Primary)
                return Extent(image, descriptor.AsSpan(RootRecordAt, RecordBytes));
        }
        throw new InvalidDataException("not an ISO 9660 image: no primary volume descriptor");
    }

    private static (long Offset, long Bytes)? FindIn(Stream image, (long Offset, long Bytes) extent, string name, bool folder)
    {
        if (extent.Bytes > MaxFolderBytes)
            throw new InvalidDataException($"a folder of {extent.Bytes} bytes in an ISO image");
        byte[] records = new byte[extent.Bytes];
        if (!TryRead(image, extent.Offset, records))
            throw new InvalidDataException("a folder beyond the end of its ISO image");
        for (int at = 0; at < records.Length;)
        {
            int length = records[at];
            if (length == 0)
            {
                at = (at / SectorBytes + 1) * SectorBytes; // no record crosses a sector
                continue;
            }
            if (length < RecordBytes || length > records.Length - at || 33 + records[at + 32] > length)
                throw new InvalidDataException("a damaged folder in an ISO image");
            const byte FolderFlag = 2;
            string found = Encoding.Latin1.GetString(records, at + 33, records[at + 32]).Split(';')[0].TrimEnd('.');
            if ((records[at + 25] & FolderFlag) != 0 == folder && found.Equals(name, StringComparison.OrdinalIgnoreCase))
                return Extent(image, records.AsSpan(at, length));
            at += length;
        }
        return null;
    }

    private static (long Offset, long Bytes) Extent(Stream image, ReadOnlySpan<byte> record)
    {
        long offset = BinaryPrimitives.ReadUInt32LittleEndian(record[2..]) * (long)SectorBytes, bytes = BinaryPrimitives.ReadUInt32LittleEndian(record[10..]);
        return offset + bytes <= image.Length ? (offset, bytes) : throw new InvalidDataException("a file beyond the end of its ISO image");
    }

    private static bool TryRead(Stream image, long offset, Span<byte> buffer)
    {
        image.Position = offset;
        return image.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) == buffer.Length;
    }
}
