using System.Text;

using ZeroOS.Formats.Fat;

namespace ZeroOS.Tests.Formats.Fat;

public class FatTests
{
    private const long Bytes = 34 << 20;

    private static readonly DateTimeOffset s_time = new(2026, 3, 4, 5, 6, 8, TimeSpan.Zero);

    private static readonly FatGeometry s_geometry = FatGeometry.Plan(Bytes, clusterSectors: 1, hiddenSectors: 2048);

    /// <summary>Where clusters begin, in bytes.</summary>
    internal static long DataOffset => s_geometry.FirstDataSector * 512;

    private static readonly FatIdentity s_identity = new("ZEROOS", 0x1234ABCD, s_time, default);

    private static byte[] Pattern(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)((i * 7) + (i >> 8)))];

    private static IReadOnlyList<FatFile> Files() =>
    [
        FatFile.Of("EFI/BOOT/BOOTX64.EFI", Pattern(100_000)),
        FatFile.Of("EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred", "signed"u8.ToArray()),
        FatFile.Of("syslinux/initramfs.cpio.zst", Pattern(513)),
        FatFile.Of("syslinux/initramfs.cpio", new byte[1_000_000]),
        FatFile.Of("syslinux/empty", default),
        FatFile.Of("VMLINUZ", "kernel"u8.ToArray()),
        .. Enumerable.Range(0, 40).Select(i => FatFile.Of($"many/a file with a long name, number {i}.text", Encoding.ASCII.GetBytes($"{i}"))),
    ];

    internal static MemoryStream Volume(IReadOnlyList<FatFile>? files = null)
    {
        MemoryStream volume = new(new byte[Bytes]);
        FatWriter.Write(volume, s_geometry, s_identity, files ?? Files());
        return volume;
    }

    private static byte[] Content(FatFile file)
    {
        MemoryStream content = new();
        file.Open().CopyTo(content);
        return content.ToArray();
    }

    [Fact]
    public void What_was_written_is_read_back()
    {
        FatReader reader = new(Volume());
        Assert.Equal(s_geometry, reader.Geometry);
        Assert.Equal(("ZEROOS", 0x1234ABCDu, s_time), (reader.Identity.Label, reader.Identity.Serial, reader.Identity.Time));
        Assert.Equal(Files().Select(f => f.Path).Order(), reader.List().Where(e => !e.IsFolder).Select(e => e.Path).Order());
        foreach (FatFile file in Files())
            Assert.Equal(Content(file), reader.ReadAll(reader.Find(file.Path.ToUpperInvariant())!, 1 << 20));
        Assert.Null(reader.Find("EFI/BOOT/GRUB"));
    }

    [Fact]
    public void The_same_files_are_the_same_bytes_and_the_first_lies_behind_its_folders()
    {
        Assert.Equal(Volume().ToArray(), Volume().ToArray());
        Assert.Equal(5u, new FatReader(Volume()).Find("EFI/BOOT/BOOTX64.EFI")!.FirstCluster); // the root is 2, EFI 3, BOOT 4
    }

    [Fact]
    public void Exchanging_adding_and_taking_away_files_moves_nothing_before_them_and_can_be_undone()
    {
        byte[] original = Volume().ToArray();
        MemoryStream changed = new(new byte[Bytes]), back = new(new byte[Bytes]), same = new(new byte[Bytes]);
        FatRewriter.Write(new FatReader(new MemoryStream(original)), same, new Dictionary<string, byte[]?>());
        Assert.Equal(original, same.ToArray());

        FatRewriter.Write(new FatReader(new MemoryStream(original)), changed,
            new Dictionary<string, byte[]?>
            {
                ["many/NEW.file"] = Pattern(3000),
                ["efi/boot/bootx64.efi.extra.d/FARM.CRED"] = "other"u8.ToArray(),
                ["VMLINUZ"] = null,
            });
        FatReader reader = new(changed);
        Assert.Equal("other", Encoding.ASCII.GetString(reader.ReadAll(reader.Find("EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred")!, 100)));
        Assert.Equal(Pattern(3000), reader.ReadAll(reader.Find("many/new.FILE")!, 3000));
        Assert.Null(reader.Find("VMLINUZ"));
        Assert.Equal(new FatReader(new MemoryStream(original)).Find("EFI/BOOT/BOOTX64.EFI"), reader.Find("EFI/BOOT/BOOTX64.EFI"));

        FatRewriter.Write(reader, back, new Dictionary<string, byte[]?>
        {
            ["many/new.file"] = null,
            ["EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred"] = "signed"u8.ToArray(),
        });
        FatReader undone = new(back);
        Assert.Equal("signed", Encoding.ASCII.GetString(undone.ReadAll(undone.Find("EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred")!, 100)));
    }

    [Fact]
    public void A_boot_loaders_sector_gives_its_jump_name_and_code_and_nothing_else()
    {
        byte[] loader = Pattern(512);
        MemoryStream volume = new(new byte[Bytes]);
        FatWriter.Write(volume, s_geometry, s_identity with { BootSector = loader }, Files());
        byte[] sector = volume.ToArray()[..512], backup = volume.ToArray()[(6 * 512)..(7 * 512)];
        Assert.Equal(sector, backup);
        Assert.Equal(loader[..11], sector[..11]);
        Assert.Equal(loader[90..510], sector[90..510]);
        Assert.Equal(Volume().ToArray()[11..90], sector[11..90]);
    }

    [Theory]
    [InlineData("a/../b")]
    [InlineData("/a")]
    [InlineData("a:b")]
    [InlineData("end.")]
    [InlineData("")]
    [InlineData("VMLINUZ/below")]
    [InlineData("vmlinuz")]
    public void Names_that_fat_does_not_take_and_names_twice_are_refused(string path) =>
        Assert.Throws<ArgumentException>(() => Volume([.. Files(), FatFile.Of(path, default)]));

    [Fact]
    public void Files_that_do_not_fit_or_end_early_are_refused()
    {
        Assert.Throws<IOException>(() => Volume([new FatFile("big", Bytes, () => Stream.Null)]));
        Assert.Throws<IOException>(() => Volume([new FatFile("short", 10, () => new MemoryStream(new byte[9]))]));
        Assert.Throws<ArgumentException>(() => Volume([new FatFile("huge", 1L << 32, () => Stream.Null)]));
        Assert.Throws<ArgumentException>(() => FatGeometry.Plan(10 << 20, 1, 0));
    }

    [Theory]
    [InlineData(12, 8)] // sectors of 2048 bytes
    [InlineData(22, 1)] // tables as FAT16 has them
    [InlineData(40, 0x81)] // only the second table counts
    [InlineData(42, 1)] // a version after ours
    [InlineData(16, 3)]
    [InlineData(35, 1)] // more sectors than there are
    public void Boot_sectors_of_other_volumes_are_refused(int at, byte value)
    {
        byte[] volume = Volume().ToArray();
        volume[at] = value;
        Assert.Throws<InvalidDataException>(() => new FatReader(new MemoryStream(volume)));
    }

    [Fact]
    public void Small_volumes_and_large_sectors_are_where_their_boot_sector_says()
    {
        byte[] sector = Volume().ToArray()[..512];
        Assert.Equal(s_geometry, FatBootSector.Read(sector, Bytes));
        sector[12] = 8;
        FatGeometry large = FatBootSector.Read(sector, Bytes * 4);
        Assert.Equal((2048, 2048, s_geometry.TableOffset(1) * 4, s_geometry.OffsetOf(7) * 4),
            (large.SectorBytes, large.ClusterBytes, large.TableOffset(1), large.OffsetOf(7)));
        Assert.Throws<InvalidDataException>(() => FatBootSector.Read(sector, (Bytes * 4) - 1));
        (sector[12], sector[19], sector[20]) = (2, 0x40, 0x9C);
        sector.AsSpan(32, 4).Clear();
        Assert.Equal(40_000, FatBootSector.Read(sector, Bytes).Sectors);
    }

    [SkippableFact]
    public void Fsck_finds_no_fault_and_mtools_the_same_files()
    {
        using TemporaryFile file = new(), copy = new();
        using (FileStream volume = file.Open(Bytes))
            FatWriter.Write(volume, s_geometry, s_identity, Files());
        string verdict = Judge.Ask("fsck.fat", "-n", "-v", file.Path);
        Assert.Contains($"{s_geometry.Clusters} data clusters", verdict, StringComparison.Ordinal);
        Assert.DoesNotContain("differences", verdict, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", verdict, StringComparison.OrdinalIgnoreCase);
        string listing = Judge.Ask("mdir", "-i", file.Path, "-/", "-b", "::/");
        Assert.All(Files(), f => Assert.Contains($"::/{f.Path}\n", listing, StringComparison.Ordinal));
        string folder = Judge.Ask("mdir", "-i", file.Path, "::/EFI/BOOT/BOOTX64.EFI.extra.d");
        Assert.Contains("ZEROOS", folder, StringComparison.Ordinal);
        Assert.Contains("1234-ABCD", folder, StringComparison.Ordinal);
        Assert.Matches("2026-03-04 +5:06", folder);
        foreach (FatFile wanted in Files().Where(f => f.Size > 0).Take(5))
        {
            Judge.Ask("mcopy", "-n", "-o", "-i", file.Path, $"::/{wanted.Path}", copy.Path);
            Assert.Equal(Content(wanted), File.ReadAllBytes(copy.Path));
        }
    }

    [SkippableFact]
    public void A_volume_of_mkfs_and_mtools_is_read()
    {
        using TemporaryFile file = new(), content = new();
        using (file.Open(Bytes))
            Judge.Ask("mkfs.fat", "-F", "32", "-n", "OTHER", file.Path);
        File.WriteAllBytes(content.Path, Pattern(5000));
        Judge.Ask("mmd", "-i", file.Path, "::/Some Folder");
        Judge.Ask("mcopy", "-i", file.Path, content.Path, "::/Some Folder/readme.txt");
        Judge.Ask("mcopy", "-i", file.Path, content.Path, "::/Some Folder/gr\u00FC\u00DFe.text");
        using FileStream volume = file.Open();
        FatReader reader = new(volume);
        Assert.Equal("OTHER", reader.Identity.Label);
        Assert.Equal(["Some Folder", "Some Folder/gr\u00FC\u00DFe.text", "Some Folder/readme.txt"],
            reader.List().Select(e => e.Path).Order(StringComparer.Ordinal));
        Assert.Equal(Pattern(5000), reader.ReadAll(reader.Find("some folder/README.TXT")!, 5000));
    }

    [Fact]
    public void A_large_file_streams_through_and_leaves_holes_where_it_is_zero()
    {
        const int Most = 8 << 20;
        using TemporaryFile file = new();
        FatGeometry geometry = FatGeometry.Plan(136L << 20, 4, 2048);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using (FileStream volume = file.Open(136L << 20))
            FatWriter.Write(volume, geometry, s_identity, [new FatFile("big", 120L << 20, () => new Zeros(120L << 20))]);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Most);
        using FileStream back = file.Open();
        Assert.Equal(120L << 20, new FatReader(back).Find("big")!.Size);
    }

    [Fact]
    public void Mutated_volumes_are_read_or_refused_and_nothing_else()
    {
        byte[] sample = Volume().ToArray();
        long data = s_geometry.FirstDataSector * 512;
        Random random = new(4);
        for (int i = 0; i < 10_000; i++)
        {
            List<(long At, byte Was)> undo = [];
            for (int n = random.Next(1, 8); n > 0; n--)
            {
                long at = random.Next(4) switch { 0 => random.Next(90), 1 => (32 * 512) + random.Next(4 * 400), _ => data + random.Next(6 * 512) };
                undo.Add((at, sample[at]));
                sample[at] = (byte)random.Next(256);
            }
            try
            {
                FatReader reader = new(new MemoryStream(sample, 0, random.Next(8) == 0 ? random.Next(sample.Length) : sample.Length));
                foreach (FatEntry entry in reader.List().Where(e => !e.IsFolder))
                    TryRead(reader, entry);
            }
            catch (InvalidDataException)
            {
                // its own exception: refused, with a reason
            }
            for (int n = undo.Count - 1; n >= 0; n--)
                sample[undo[n].At] = undo[n].Was;
        }
    }

    private static void TryRead(FatReader reader, FatEntry entry)
    {
        try
        {
            Assert.Equal(entry.Size, reader.ReadAll(entry, 10_000).Length);
        }
        catch (InvalidDataException)
        {
            // refused: too large, or cut off
        }
    }

    /// <summary>Nothing, a lot of it.</summary>
    private sealed class Zeros(long length) : MemoryStream
    {
        private long _left = length;

        public override int Read(Span<byte> buffer)
        {
            int count = (int)Math.Min(_left, buffer.Length);
            buffer[..count].Clear();
            _left -= count;
            return count;
        }
    }
}
