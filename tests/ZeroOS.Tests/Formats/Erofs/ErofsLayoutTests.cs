using System.Buffers.Binary;
using System.Text;

using Xunit;

using ZeroOS.Formats.Erofs;

namespace ZeroOS.Tests.Formats.Erofs;

public sealed class ErofsLayoutTests
{
    [Fact]
    public void Superblock_says_what_the_plan_says()
    {
        ErofsInode root = Directory();
        root.Entries["a"] = File(10);
        ErofsLayout layout = ErofsLayout.Plan(root);
        byte[] image = layout.Write(77);
        ReadOnlySpan<byte> super = image.AsSpan(1024);
        Assert.Equal(0xE0F5E1E2u, BinaryPrimitives.ReadUInt32LittleEndian(super));
        Assert.Equal(12, super[12]);
        Assert.Equal(root.Nid, BinaryPrimitives.ReadUInt16LittleEndian(super[14..]));
        Assert.Equal(2u, BinaryPrimitives.ReadUInt32LittleEndian(super[16..]));
        Assert.Equal(77u, BinaryPrimitives.ReadUInt32LittleEndian(super[36..]));
        Assert.Equal(layout.MetadataBlocks * 4096, image.Length);
    }

    [Fact]
    public void Same_tree_gives_the_same_bytes_whatever_the_order_of_insertion()
    {
        ErofsInode one = Directory(), two = Directory();
        string[] names = [.. Enumerable.Range(0, 500).Select(i => $"file-{i * 7919 % 500}")];
        foreach (string name in names)
            one.Entries[name] = File(name.Length);
        foreach (string name in names.Reverse())
            two.Entries[name] = File(name.Length);
        Assert.Equal(ErofsLayout.Plan(one).Write(1), ErofsLayout.Plan(two).Write(1));
    }

    [Fact]
    public void Inodes_and_their_tails_never_cross_a_block()
    {
        ErofsInode root = Directory();
        var random = new Random(7);
        for (int i = 0; i < 3000; i++)
        {
            ErofsInode file = File(random.Next(0, 2000));
            if (i % 3 == 0)
                file.Xattrs = ErofsXattrs.Encode([new("user.x", new byte[random.Next(0, 6000)])]);
            root.Entries[$"f{i}"] = file;
        }
        foreach (ErofsInode inode in ErofsLayout.Plan(root).Inodes)
        {
            long start = (long)inode.Nid * 32;
            int need = 64 + inode.Xattrs.Size + inode.InlineTailBytes;
            Assert.True(need > 4096 ? start % 4096 == 0 && inode.InlineTailBytes == 0 : start / 4096 == (start + need - 1) / 4096);
        }
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 1, 0)]
    [InlineData(512, 512, 0)]
    [InlineData(513, 0, 1)]
    [InlineData(4096, 0, 1)]
    [InlineData(4096 + 512, 512, 1)]
    [InlineData(4096 + 513, 0, 2)]
    public void Tail_is_inline_up_to_512_bytes(long size, int inline, long blocks)
    {
        ErofsInode file = File(size);
        Assert.Equal((inline, blocks), (file.InlineTailBytes, file.BodyBlocks));
    }

    [Fact]
    public void Directory_entries_are_sorted_by_bytes_over_all_its_blocks()
    {
        ErofsInode root = Directory();
        foreach (string name in (string[])["a", "!", "-", "\xFF", "\xC3\xA4", "Z"])
            root.Entries[name] = File(0);
        for (int i = 0; i < 1000; i++)
            root.Entries[$"name-{i:x}"] = File(0);
        byte[] data = ErofsDirectory.Encode(root, root);
        var names = new List<string>();
        for (int block = 0; block < data.Length; block += 4096)
        {
            ReadOnlySpan<byte> part = data.AsSpan(block, Math.Min(4096, data.Length - block));
            int count = BinaryPrimitives.ReadUInt16LittleEndian(part[8..]) / 12;
            for (int i = 0; i < count; i++)
            {
                int start = BinaryPrimitives.ReadUInt16LittleEndian(part[(i * 12 + 8)..]);
                int end = i + 1 < count ? BinaryPrimitives.ReadUInt16LittleEndian(part[((i + 1) * 12 + 8)..]) : part.Length;
                names.Add(Encoding.Latin1.GetString(part[start..end]).TrimEnd('\0'));
            }
        }
        Assert.Equal(1008, names.Count);
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.True(data.Length > 8192);
    }

    [Fact]
    public void Links_are_counted_as_stat_counts_them()
    {
        ErofsInode root = Directory(), child = Directory(), file = File(1);
        root.Entries["d"] = child;
        root.Entries["one"] = file;
        child.Entries["two"] = file;
        ErofsLayout layout = ErofsLayout.Plan(root);
        Assert.Equal((3u, 2u, 2u), (root.Links, child.Links, file.Links));
        Assert.Equal(3, layout.Inodes.Count());
    }

    [Theory]
    [InlineData("user.a", true)]
    [InlineData("security.capability", true)]
    [InlineData("trusted.x", true)]
    [InlineData("system.posix_acl_access", true)]
    [InlineData("system.nfs4_acl", false)]
    [InlineData("com.apple.quarantine", false)]
    [InlineData("user.", false)]
    public void Only_attributes_Linux_knows_have_a_place(string name, bool held) => Assert.Equal(held, ErofsXattrs.CanHold(name));

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Assert.Throws<ErofsException>(() => ErofsXattrs.Encode([new("user." + new string('x', 256), [])]));
        Assert.Throws<ErofsException>(() => ErofsXattrs.Encode([new("user.x", new byte[65536])]));
        Assert.Throws<ErofsException>(() =>
            ErofsXattrs.Encode(Enumerable.Range(0, 6).Select(i => new KeyValuePair<string, byte[]>($"user.{i}", new byte[60000]))));
        Assert.Throws<ErofsException>(() => ErofsLayout.Plan(File(1)));
        ErofsInode root = Directory();
        root.Entries["dev"] = new ErofsInode { Mode = ErofsFileType.CharacterDevice, DeviceMajor = 4096 };
        Assert.Throws<ErofsException>(() => ErofsLayout.Plan(root).Write(1));
    }

    private static ErofsInode Directory() => new() { Mode = ErofsFileType.Directory | 0x1ED };

    private static ErofsInode File(long size) => new() { Mode = ErofsFileType.Regular | 0x1A4, Size = size };
}
