using ZeroOS.Formats.Tar;

namespace ZeroOS.Tests.Formats.Tar;

/// <summary>What is written is read again; tar(1) judges whole trees (<c>TreePackerTests</c>).</summary>
public class TarWriterTests
{
    public static TheoryData<string, TarEntry> Entries => new()
    {
        { "file", new TarEntry { Type = TarEntryType.File, Path = "a/b", Mode = 0xFFF, Uid = 7, Gid = 8, MtimeSeconds = 9, Size = 0 } },
        { "long name", new TarEntry { Type = TarEntryType.File, Path = new string('\u00ff', 255) + "/" + new string('n', 255), Mode = 1 } },
        { "name of 99 bytes", new TarEntry { Type = TarEntryType.Directory, Path = new string('n', 99) } },
        { "name of 100 bytes", new TarEntry { Type = TarEntryType.File, Path = new string('n', 100) } },
        { "directory of 100 bytes", new TarEntry { Type = TarEntryType.Directory, Path = new string('n', 100) } },
        { "long link", new TarEntry { Type = TarEntryType.SymbolicLink, Path = "l", LinkTarget = new string('t', 4000) } },
        { "hard link", new TarEntry { Type = TarEntryType.HardLink, Path = "l", LinkTarget = "a/b" } },
        { "pipe", new TarEntry { Type = TarEntryType.Fifo, Path = "p", Mode = 0x1FF } },
        { "root", new TarEntry { Type = TarEntryType.Directory, Path = "" } },
        { "large numbers", new TarEntry { Type = TarEntryType.Directory, Path = "d", Uid = uint.MaxValue, Gid = 1 << 21, MtimeSeconds = 1L << 33 } },
        { "before 1970", new TarEntry { Type = TarEntryType.Directory, Path = "d", MtimeSeconds = -1 } },
    };

    [Theory]
    [MemberData(nameof(Entries))]
    public void Entry_is_read_as_it_was_written(string what, TarEntry entry)
    {
        Assert.NotEmpty(what);
        using MemoryStream archive = new();
        TarWriter writer = new(archive.Write);
        writer.Begin(entry);
        writer.End();
        Assert.Equal(0, archive.Length % 512);
        archive.Position = 0;
        TarReader reader = new(archive);
        TarEntry read = reader.Next()!;
        Assert.Equal((entry.Type, entry.Path, entry.LinkTarget, entry.Mode, entry.Uid, entry.Gid, entry.MtimeSeconds, entry.Size),
            (read.Type, read.Path, read.LinkTarget, read.Mode, read.Uid, read.Gid, read.MtimeSeconds, read.Size));
        Assert.Null(reader.Next());
    }

    [Fact]
    public void File_of_more_than_8_GiB_has_its_size()
    {
        using MemoryStream archive = new();
        new TarWriter(archive.Write).Begin(new TarEntry { Type = TarEntryType.File, Path = "f", Size = 1L << 40 });
        archive.Position = 0;
        Assert.Equal(1L << 40, new TarReader(archive).Next()!.Size);
    }

    [Fact]
    public void File_has_as_many_bytes_as_were_announced()
    {
        using MemoryStream archive = new();
        TarWriter writer = new(archive.Write);
        writer.Begin(new TarEntry { Type = TarEntryType.File, Path = "f", Size = 600 });
        Assert.Throws<InvalidOperationException>(() => writer.Write(new byte[601]));
        writer.Write(new byte[599]);
        Assert.Throws<InvalidOperationException>(() => writer.Begin(new TarEntry { Type = TarEntryType.File, Path = "g" }));
        writer.Write(new byte[1]);
        Assert.Equal(512 + 1024, archive.Length);
    }

    [Fact]
    public void Absolute_name_is_refused_where_it_must_be()
    {
        byte[] archive = new TarBytes().File("/a", "x").ToArray(), link = new TarBytes().HardLink("l", "/a").ToArray();
        Assert.Equal("a", new TarReader(new MemoryStream(archive)).Next()!.Path);
        Assert.Throws<TarException>(() => new TarReader(new MemoryStream(archive)) { RefusesAbsolute = true }.Next());
        Assert.Throws<TarException>(() => new TarReader(new MemoryStream(link)) { RefusesAbsolute = true }.Next());
    }
}
