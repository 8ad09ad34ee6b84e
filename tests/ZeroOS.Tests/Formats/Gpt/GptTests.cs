using ZeroOS.Formats.Gpt;

namespace ZeroOS.Tests.Formats.Gpt;

public class GptTests
{
    internal const long Sectors = 8192;

    private static GptTable Sample() => new(DerivedGuid.Of("disk", "1.2.3"), Sectors,
    [
        new GptPartition(GptPartition.EfiSystem, DerivedGuid.Of("system", "1.2.3"), 2048, 6143, GptPartition.LegacyBootable, "ZeroOS") { Number = 1 },
        new GptPartition(new Guid("0fc63daf-8483-4772-8e79-3d69d8477de4"), DerivedGuid.Of("data", "1.2.3"), 6144, 8158, 0, "the rest") { Number = 2 },
    ]);

    internal static byte[] Disk()
    {
        MemoryStream disk = new(new byte[Sectors * GptTable.SectorBytes]);
        Sample().Write(disk, new byte[] { 0xEB, 0xFE });
        return disk.ToArray();
    }

    private static void Same(GptTable expected, GptTable found)
    {
        Assert.Equal((expected.DiskId, expected.Sectors), (found.DiskId, found.Sectors));
        Assert.Equal(expected.Partitions, found.Partitions);
    }

    [Fact]
    public void A_table_read_back_is_the_one_written_and_the_same_bytes_each_time()
    {
        Same(Sample(), GptReader.Read(new MemoryStream(Disk())));
        Assert.Equal(Disk(), Disk());
        Assert.Equal(0xEB, Disk()[0]);
    }

    [Theory]
    [InlineData(512 + 60)]  // the header in front
    [InlineData(1024 + 40)] // the table in front
    public void With_the_front_damaged_the_backup_at_the_end_is_read(int at)
    {
        byte[] disk = Disk();
        disk[at] ^= 1;
        Same(Sample(), GptReader.Read(new MemoryStream(disk)));
        disk[^(GptTable.SectorBytes - 60)] ^= 1;
        Assert.Contains("checksum", Assert.Throws<InvalidDataException>(() => GptReader.Read(new MemoryStream(disk))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Partitions_that_overlap_or_leave_the_disk_and_names_too_long_are_refused()
    {
        GptTable table = Sample();
        GptPartition first = table.Partitions[0];
        foreach (GptPartition wrong in (GptPartition[])[first with { LastSector = 6144 }, first with { FirstSector = 33 }, first with { LastSector = 2047 },
            first with { Name = new string('x', 37) }])
            Assert.Throws<ArgumentException>(() => (table with { Partitions = [wrong, table.Partitions[1]] }).Tail());
        Assert.Throws<ArgumentException>(() => (table with { Partitions = [first with { LastSector = Sectors - 34 + 1 }] }).Tail());
        Assert.Throws<ArgumentException>(() => table.Head(new byte[441]));
    }

    [Fact]
    public void Identifiers_are_uuids_of_version_8_that_differ_by_purpose_and_seed()
    {
        string text = DerivedGuid.Of("disk", "1.2.3").ToString();
        Assert.Equal('8', text[14]);
        Assert.Contains(text[19], "89ab");
        Assert.Equal(3, new HashSet<Guid> { DerivedGuid.Of("disk", "1.2.3"), DerivedGuid.Of("disk", "1.2.4"), DerivedGuid.Of("system", "1.2.3") }.Count);
    }

    [SkippableFact]
    public void Sgdisk_finds_no_problems_and_the_same_partitions()
    {
        using TemporaryFile file = new();
        File.WriteAllBytes(file.Path, Disk());
        string verdict = Judge.Ask("sgdisk", "-v", file.Path);
        Assert.Contains("No problems found", verdict, StringComparison.Ordinal);
        string first = Judge.Ask("sgdisk", "-i", "1", file.Path);
        Assert.Contains("EFI system partition", first, StringComparison.Ordinal);
        Assert.Contains(DerivedGuid.Of("system", "1.2.3").ToString(), first, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("First sector: 2048", first, StringComparison.Ordinal);
        Assert.Contains("Last sector: 6143", first, StringComparison.Ordinal);
        Assert.Contains("Attribute flags: 0000000000000004", first, StringComparison.Ordinal);
        Assert.Contains("'ZeroOS'", first, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_table_that_sgdisk_wrote_is_read()
    {
        using TemporaryFile file = new();
        using (file.Open(Sectors * GptTable.SectorBytes))
            Judge.Ask("sgdisk", "-n", "1:2048:4095", "-t", "1:ef00", "-c", "1:somebody's", file.Path);
        using FileStream disk = file.Open();
        GptPartition partition = Assert.Single(GptReader.Read(disk).Partitions);
        Assert.Equal((GptPartition.EfiSystem, 2048L, 4095L, "somebody's"), (partition.Type, partition.FirstSector, partition.LastSector, partition.Name));
    }

    [Fact]
    public void Mutated_tables_are_read_or_refused_and_nothing_else()
    {
        byte[] sample = Disk();
        Random random = new(3);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] mutant = random.Next(4) == 0 ? sample[..random.Next(2048)] : sample.AsSpan(0, 20_000).ToArray();
            for (int n = random.Next(6); n > 0 && mutant.Length > 0; n--)
                mutant[random.Next(Math.Min(mutant.Length, 1400))] = (byte)random.Next(256);
            if (mutant.Length > 1024 && random.Next(2) == 0)
                Reseal(mutant);
            try
            {
                Assert.InRange(GptReader.Read(new MemoryStream(mutant), Sectors).Partitions.Count, 0, 1024);
            }
            catch (InvalidDataException)
            {
                // its own exception: refused, with a reason
            }
        }
    }

    /// <summary>Makes the header's checksum right again, so that what it guards is looked at too.</summary>
    private static void Reseal(byte[] disk)
    {
        int length = Math.Clamp(BitConverter.ToInt32(disk, 512 + 12), 92, 512);
        disk.AsSpan(512 + 16, 4).Clear();
        BitConverter.TryWriteBytes(disk.AsSpan(512 + 16), Crc32.Of(disk.AsSpan(512, length)));
    }
}
