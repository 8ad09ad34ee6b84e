using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ZeroOS.Formats.Erofs;

/// <summary>
/// Lays a tree out as EROFS (Linux fs/erofs/erofs_fs.h): superblock, inodes with their attributes and small tails in path order, directory
/// blocks, and after that metadata the bodies of files wherever the caller puts them. No clock and no random number goes in: the same tree is
/// the same bytes.
/// </summary>
public sealed class ErofsLayout
{
    public const int BlockSize = 4096;

    /// <summary>Longest file tail kept beside its inode, in bytes: with more, most small files would never reach a pack.</summary>
    public const int MaxInlineTail = 512;

    private const int SuperOffset = 1024;
    private const int SuperBytes = 128;
    private const int InodeBytes = 64;
    private const int SlotBytes = 32;
    private const int MaxInlineDirectory = 1024;
    private const uint Magic = 0xE0F5E1E2;
    private const uint NoBlock = uint.MaxValue;

    private readonly ErofsInode _root;
    private readonly List<(ErofsInode Inode, ErofsInode Parent, int Inline, long Size)> _inodes = [];
    private long _position = SuperOffset + SuperBytes;

    private ErofsLayout(ErofsInode root) => _root = root;

    /// <summary>Blocks that hold everything but file bodies, from the start of the device.</summary>
    public long MetadataBlocks { get; private set; }

    /// <summary>Every inode once, in the order of first appearance by path.</summary>
    public IEnumerable<ErofsInode> Inodes => _inodes.Select(i => i.Inode);

    /// <summary>Gives every inode its place. The tree must not change afterwards, but for <see cref="ErofsInode.BodyBlock"/>.</summary>
    /// <exception cref="ErofsException">The root is no directory, or the metadata would pass 1 GiB.</exception>
    public static ErofsLayout Plan(ErofsInode root)
    {
        if (!root.IsDirectory)
            throw new ErofsException("the root is not a directory");
        var layout = new ErofsLayout(root);
        Count(root);
        layout.Place(root, root);
        long blocks = (layout._position + BlockSize - 1) / BlockSize;
        foreach ((_, _, int inline, long size) in layout._inodes.Where(HasMetadataBody))
            blocks += (size - inline + BlockSize - 1) / BlockSize;
        if (blocks > 1 << 18)
            throw new ErofsException("the names and attributes of this tree take more than 1 GiB");
        layout.MetadataBlocks = blocks;
        return layout;
    }

    /// <summary>The metadata, <see cref="MetadataBlocks"/> long; <paramref name="deviceBlocks"/> is what the superblock says of the whole device.</summary>
    public byte[] Write(uint deviceBlocks)
    {
        var image = new byte[MetadataBlocks * BlockSize];
        long nextBlock = (_position + BlockSize - 1) / BlockSize;
        foreach ((ErofsInode inode, ErofsInode parent, int inline, long size) in _inodes)
        {
            uint block = inode.BodyBlocks > 0 ? inode.BodyBlock : NoBlock;
            Span<byte> place = image.AsSpan((int)(inode.Nid * SlotBytes));
            Span<byte> tail = place.Slice(InodeBytes + inode.Xattrs.Size, inline);
            if (inode.IsRegular)
            {
                if (inline > 0)
                    inode.ReadTail(tail);
            }
            else if (size > 0)
            {
                byte[] data = inode.IsDirectory ? ErofsDirectory.Encode(inode, parent) : Encoding.Latin1.GetBytes(inode.LinkTarget);
                int body = data.Length - inline;
                data.AsSpan(body).CopyTo(tail);
                if (body > 0)
                {
                    block = (uint)nextBlock;
                    data.AsSpan(0, body).CopyTo(image.AsSpan((int)(nextBlock * BlockSize)));
                    nextBlock += (body + BlockSize - 1) / BlockSize;
                }
            }
            WriteInode(place, inode, size, inline > 0, block);
            inode.Xattrs.Bytes.CopyTo(place[InodeBytes..]);
        }
        WriteSuper(image, deviceBlocks);
        return image;
    }

    /// <summary>True when an inode with this many bytes behind it lies in one block, as the kernel wants it for inline data.</summary>
    internal static bool FitsBlock(int bytesBehindInode) => InodeBytes + bytesBehindInode <= BlockSize;

    private static bool HasMetadataBody((ErofsInode Inode, ErofsInode Parent, int Inline, long Size) item) =>
        item.Inode.IsDirectory || item.Inode.IsSymbolicLink;

    private static void Count(ErofsInode directory)
    {
        directory.Links = 2;
        foreach (ErofsInode child in directory.Entries.Values)
        {
            if (child.IsDirectory)
            {
                Count(child);
                directory.Links++;
            }
            else
                child.Links++;
        }
    }

    private void Place(ErofsInode inode, ErofsInode parent)
    {
        inode.Planned = true;
        (int inline, long size) = Shape(inode);
        int need = InodeBytes + inode.Xattrs.Size + inline;
        _position = (_position + SlotBytes - 1) & -SlotBytes;
        // Neither an inode nor its inline tail may cross a block; one with huge attributes has no tail and starts a block of its own.
        if (_position % BlockSize + need > BlockSize)
            _position = (_position + BlockSize - 1) & -BlockSize;
        inode.Nid = (ulong)(_position / SlotBytes);
        inode.Number = (uint)_inodes.Count + 1;
        _position += need;
        _inodes.Add((inode, parent, inline, size));
        foreach ((_, ErofsInode child) in inode.Entries.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            if (!child.Planned)
                Place(child, inode);
        }
    }

    private static (int Inline, long Size) Shape(ErofsInode inode)
    {
        if (inode.IsRegular)
            return (inode.InlineTailBytes, inode.Size);
        if (inode.IsSymbolicLink)
            return (FitsBlock(inode.Xattrs.Size + inode.LinkTarget.Length) ? inode.LinkTarget.Length : 0, inode.LinkTarget.Length);
        if (!inode.IsDirectory)
            return (0, 0);
        long size = ErofsDirectory.SizeOf(inode);
        int tail = (int)(size % BlockSize);
        return (tail <= MaxInlineDirectory && FitsBlock(inode.Xattrs.Size + tail) ? tail : 0, size);
    }

    private static void WriteInode(Span<byte> place, ErofsInode inode, long size, bool inline, uint block)
    {
        const ushort Extended = 1, FlatPlain = 0 << 1, FlatInline = 2 << 1;
        BinaryPrimitives.WriteUInt16LittleEndian(place, (ushort)(Extended | (inline ? FlatInline : FlatPlain)));
        BinaryPrimitives.WriteUInt16LittleEndian(place[2..], inode.Xattrs.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(place[4..], inode.Mode);
        BinaryPrimitives.WriteInt64LittleEndian(place[8..], size);
        bool device = (inode.Mode & ErofsFileType.Mask) is ErofsFileType.CharacterDevice or ErofsFileType.BlockDevice;
        BinaryPrimitives.WriteUInt32LittleEndian(place[16..], device ? DeviceNumber(inode.DeviceMajor, inode.DeviceMinor) : block);
        BinaryPrimitives.WriteUInt32LittleEndian(place[20..], inode.Number);
        BinaryPrimitives.WriteUInt32LittleEndian(place[24..], inode.Uid);
        BinaryPrimitives.WriteUInt32LittleEndian(place[28..], inode.Gid);
        BinaryPrimitives.WriteInt64LittleEndian(place[32..], inode.MtimeSeconds);
        BinaryPrimitives.WriteUInt32LittleEndian(place[40..], inode.MtimeNanoseconds);
        BinaryPrimitives.WriteUInt32LittleEndian(place[44..], inode.Links);
    }

    /// <summary>The kernel's 32-bit form: 12 bits of major number, 20 of minor.</summary>
    private static uint DeviceNumber(uint major, uint minor) => major <= 0xFFF && minor <= 0xFFFFF
        ? (minor & 0xFF) | major << 8 | (minor & ~0xFFu) << 12
        : throw new ErofsException($"the device {major}:{minor} is beyond what Linux can name");

    private void WriteSuper(byte[] image, uint deviceBlocks)
    {
        const uint ChecksumAndMtime = 3;
        const byte BlockSizeBits = 12;
        Span<byte> super = image.AsSpan(SuperOffset, SuperBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(super, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(super[8..], ChecksumAndMtime);
        super[12] = BlockSizeBits;
        BinaryPrimitives.WriteUInt16LittleEndian(super[14..], (ushort)_root.Nid);
        BinaryPrimitives.WriteInt64LittleEndian(super[16..], _inodes.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(super[36..], deviceBlocks);
        // The volume's id is the content's, as a version 8 UUID (RFC 9562), so that it neither repeats nor changes by itself.
        Span<byte> uuid = stackalloc byte[32];
        SHA256.HashData(image, uuid);
        uuid[6] = (byte)(uuid[6] & 0x0F | 0x80);
        uuid[8] = (byte)(uuid[8] & 0x3F | 0x80);
        uuid[..16].CopyTo(super[48..]);
        BinaryPrimitives.WriteUInt32LittleEndian(super[4..], Crc32C.Raw(image.AsSpan(SuperOffset, BlockSize - SuperOffset)));
    }
}
