using System.Buffers.Binary;

using Xunit;

using ZeroOS.Host.Storage;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>Stamping; that the result is a sound file system is judged by btrfs check and e2fsck in <see cref="NodeStorageTests"/>.</summary>
public sealed class SuperblockTests
{
    private static readonly Guid s_id = Guid.Parse("01234567-89ab-cdef-0123-456789abcdef");

    [Fact]
    public void Crc32c_gives_the_known_values()
    {
        Assert.Equal(0xE3069283u, Checksum.Crc32C("123456789"u8)); // the check value of CRC-32C
        Assert.Equal(0x8A9136AAu, Checksum.Crc32C(new byte[32])); // RFC 3720, B.4
    }

    [Fact]
    public void A_stamped_btrfs_superblock_has_the_new_id_over_the_templates()
    {
        byte[] super = Btrfs();
        Assert.True(BtrfsSuperblock.TryRead(super, out Guid before, out _));
        Assert.True(BtrfsSuperblock.TryStamp(super, s_id));
        Assert.True(BtrfsSuperblock.TryRead(super, out Guid id, out Guid metadata));
        Assert.Equal((s_id, before), (id, metadata));
        Assert.False(BtrfsSuperblock.TryStamp(super, Guid.NewGuid())); // stamped once, it is somebody's
    }

    [Fact]
    public void An_ext4_superblock_without_a_checksum_seed_is_not_stamped()
    {
        byte[] super = Ext4();
        Assert.True(Ext4Superblock.TryStamp(super, s_id, s_id));
        BinaryPrimitives.WriteUInt32LittleEndian(super.AsSpan(0x60), 0);
        BinaryPrimitives.WriteUInt32LittleEndian(super.AsSpan(0x3FC), Checksum.Raw(super.AsSpan(0, 0x3FC)));
        Assert.False(Ext4Superblock.TryStamp(super, s_id, s_id));
    }

    [Fact]
    public void Ten_thousand_mutations_are_refused_and_left_alone()
    {
        Random random = new(3);
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bad = round % 2 == 0 ? Btrfs() : Ext4();
            int changed = random.Next(bad.Length);
            bad[changed] ^= (byte)random.Next(1, 256);
            byte[] before = bad[..];
            int length = random.Next(4) == 0 ? random.Next(bad.Length) : bad.Length;
            bool stamped = round % 2 == 0 ? BtrfsSuperblock.TryStamp(bad.AsSpan(0, length), s_id) : Ext4Superblock.TryStamp(bad.AsSpan(0, length), s_id, s_id);
            // Bytes 4 to 31 of btrfs's checksum field are padding under CRC-32C; nothing else may pass.
            Assert.True(!stamped || (round % 2 == 0 && changed is >= 4 and < 32), $"round {round} byte {changed}");
            if (!stamped)
                Assert.Equal(before, bad);
        }
    }

    internal static byte[] Btrfs()
    {
        byte[] super = new byte[BtrfsSuperblock.Bytes];
        "_BHRfS_M"u8.CopyTo(super.AsSpan(0x40));
        super.AsSpan(0x20, 16).Fill(7);
        BinaryPrimitives.WriteUInt32LittleEndian(super, Checksum.Crc32C(super.AsSpan(32)));
        return super;
    }

    internal static byte[] Ext4()
    {
        byte[] super = new byte[Ext4Superblock.Bytes];
        BinaryPrimitives.WriteUInt16LittleEndian(super.AsSpan(0x38), 0xEF53);
        BinaryPrimitives.WriteUInt32LittleEndian(super.AsSpan(0x60), 0x2000);
        BinaryPrimitives.WriteUInt32LittleEndian(super.AsSpan(0x64), 0x400);
        BinaryPrimitives.WriteUInt32LittleEndian(super.AsSpan(0x3FC), Checksum.Raw(super.AsSpan(0, 0x3FC)));
        return super;
    }
}
