using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Formats.Erofs;

/// <summary>
/// A directory's data: blocks that each hold sorted 12-byte entries and then their names, so that the kernel can search by halves over blocks
/// and inside one. Only the last block may be short.
/// </summary>
internal static class ErofsDirectory
{
    private const int EntryBytes = 12;

    /// <summary>All names in byte order, the two every directory has included.</summary>
    internal static List<KeyValuePair<string, ErofsInode>> Sorted(ErofsInode directory, ErofsInode parent)
    {
        var names = new List<KeyValuePair<string, ErofsInode>>(directory.Entries.Count + 2)
        {
            new(".", directory),
            new("..", parent),
        };
        names.AddRange(directory.Entries);
        names.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return names;
    }

    /// <summary>Bytes the data takes; it depends on the names alone.</summary>
    internal static long SizeOf(ErofsInode directory)
    {
        long full = 0;
        int used = 0;
        foreach ((string name, _) in Sorted(directory, directory))
        {
            if (used + EntryBytes + name.Length > ErofsLayout.BlockSize)
            {
                full += ErofsLayout.BlockSize;
                used = 0;
            }
            used += EntryBytes + name.Length;
        }
        return full + used;
    }

    /// <summary>The data, exactly <see cref="SizeOf"/> bytes; the nids of all entries must be known.</summary>
    internal static byte[] Encode(ErofsInode directory, ErofsInode parent)
    {
        List<KeyValuePair<string, ErofsInode>> names = Sorted(directory, parent);
        var data = new byte[SizeOf(directory)];
        int block = 0;
        for (int first = 0; first < names.Count;)
        {
            int used = 0, end = first;
            while (end < names.Count && used + EntryBytes + names[end].Key.Length <= ErofsLayout.BlockSize)
                used += EntryBytes + names[end++].Key.Length;
            int nameOffset = (end - first) * EntryBytes;
            for (int i = first; i < end; i++)
            {
                (string name, ErofsInode inode) = names[i];
                Span<byte> entry = data.AsSpan(block + (i - first) * EntryBytes, EntryBytes);
                BinaryPrimitives.WriteUInt64LittleEndian(entry, inode.Nid);
                BinaryPrimitives.WriteUInt16LittleEndian(entry[8..], (ushort)nameOffset);
                entry[10] = ErofsFileType.DirectoryEntryType(inode.Mode);
                nameOffset += Encoding.Latin1.GetBytes(name, data.AsSpan(block + nameOffset));
            }
            block += ErofsLayout.BlockSize;
            first = end;
        }
        return data;
    }
}
