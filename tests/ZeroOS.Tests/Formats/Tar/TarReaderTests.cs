using System.Text;

using Xunit;

using ZeroOS.Formats.Tar;

namespace ZeroOS.Tests.Formats.Tar;

public sealed class TarReaderTests
{
    [Fact]
    public void Ustar_entry_has_all_its_fields()
    {
        TarEntry entry = Single(new TarBytes().Add("name", '0', "abc"u8.ToArray(), mode: "0104755", change: h => TarBytes.Put(h, 345, "some/prefix")));
        Assert.Equal("some/prefix/name", entry.Path);
        Assert.Equal((TarEntryType.File, 3L, 0x9ED), (entry.Type, entry.Size, entry.Mode));
        Assert.Equal((1u, 2u, 100L), (entry.Uid, entry.Gid, entry.MtimeSeconds));
    }

    [Fact]
    public void Device_entry_has_its_numbers()
    {
        TarEntry entry = Single(new TarBytes().Add("dev/null", '3', [], change: h =>
        {
            TarBytes.Put(h, 329, "0000001");
            TarBytes.Put(h, 337, "0000003");
        }));
        Assert.Equal((TarEntryType.CharacterDevice, 1u, 3u), (entry.Type, entry.DeviceMajor, entry.DeviceMinor));
    }

    [Fact]
    public void Attribute_values_stay_bytes_with_newlines_and_equals_signs()
    {
        byte[] value = [0, (byte)'\n', (byte)'=', 0xFF, 0x80, (byte)'1', (byte)' '];
        TarEntry entry = Single(new TarBytes().Pax(("SCHILY.xattr.security.capability", value), ("SCHILY.xattr.user.empty", [])).File("a", ""));
        Assert.Equal(value, entry.Xattrs["security.capability"]);
        Assert.Empty(entry.Xattrs["user.empty"]);
    }

    [Fact]
    public void Attribute_written_by_libarchive_is_decoded()
    {
        TarEntry entry = Single(new TarBytes().Pax("LIBARCHIVE.xattr.user.a%20b", Convert.ToBase64String([1, 2, 3, 4]).TrimEnd('=')).File("a", ""));
        Assert.Equal([1, 2, 3, 4], entry.Xattrs["user.a b"]);
    }

    [Theory]
    [InlineData("12.5", 12, 500_000_000u)]
    [InlineData("-1.25", -2, 750_000_000u)]
    [InlineData("-3", -3, 0u)]
    [InlineData("7.1234567891", 7, 123_456_789u)]
    public void Pax_time_counts_its_fraction_forward(string text, long seconds, uint nanoseconds)
    {
        TarEntry entry = Single(new TarBytes().Pax("mtime", text).File("a", ""));
        Assert.Equal((seconds, nanoseconds), (entry.MtimeSeconds, entry.MtimeNanoseconds));
    }

    [Fact]
    public void Pax_size_path_and_ids_win_over_the_header()
    {
        var tar = new TarBytes().Pax(("path", "real/path"u8.ToArray()), ("size", "4"u8.ToArray()), ("uid", "3000000000"u8.ToArray()), ("gid", "9"u8.ToArray()))
            .Add("short", '0', "four"u8.ToArray(), size: "00000000000");
        TarEntry entry = Single(tar);
        Assert.Equal(("real/path", 4L, 3_000_000_000u, 9u), (entry.Path, entry.Size, entry.Uid, entry.Gid));
    }

    [Fact]
    public void Global_header_holds_until_an_empty_value_takes_it_back()
    {
        byte[] tar = new TarBytes().Add("g", 'g', TarBytes.Records(("uid", "77"u8.ToArray()))).File("a", "").Pax("uid", "").File("b", "").ToArray();
        var reader = new TarReader(new MemoryStream(tar));
        Assert.Equal(77u, reader.Next()!.Uid);
        Assert.Equal(1u, reader.Next()!.Uid);
    }

    [Fact]
    public void Gnu_long_names_are_joined_to_their_entry()
    {
        string name = new string('n', 150) + "/" + new string('m', 150), link = new('l', 200);
        TarEntry entry = Single(new TarBytes().Add("././@LongLink", 'L', Encoding.Latin1.GetBytes(name + "\0"))
            .Add("././@LongLink", 'K', Encoding.Latin1.GetBytes(link + "\0"))
            .SymbolicLink("nnn", "lll"));
        Assert.Equal((name, link), (entry.Path, entry.LinkTarget));
    }

    [Fact]
    public void Base_256_numbers_are_read_negative_ones_too()
    {
        TarEntry entry = Single(new TarBytes().Add("a", '0', [], change: h =>
        {
            byte[] uid = [0x80, 0, 0, 0, 0x12, 0x34, 0x56, 0x78];
            uid.CopyTo(h, 108);
            h.AsSpan(136, 12).Fill(0xFF); // -1
        }));
        Assert.Equal((0x12345678u, -1L), (entry.Uid, entry.MtimeSeconds));
    }

    [Theory]
    [InlineData("/abs/a", "abs/a")]
    [InlineData("./a//b/./c/", "a/b/c")]
    [InlineData("./", "")]
    public void Paths_are_normalised(string raw, string path) => Assert.Equal(path, Single(new TarBytes().Directory(raw)).Path);

    [Theory]
    [InlineData("../a")]
    [InlineData("a/../b")]
    [InlineData("a/..")]
    public void Climbing_paths_are_refused(string raw) => Assert.Throws<TarException>(() => Single(new TarBytes().Directory(raw)));

    [Fact]
    public void Climbing_hard_link_targets_are_refused() => Assert.Throws<TarException>(() => Single(new TarBytes().HardLink("a", "../../etc/passwd")));

    [Fact]
    public void Name_of_256_bytes_is_refused() => Assert.Throws<TarException>(() => Single(new TarBytes().Pax("path", new string('x', 256)).File("a", "")));

    [Fact]
    public void Wrong_checksum_is_refused()
    {
        byte[] tar = new TarBytes().File("a", "").ToArray();
        tar[0] ^= 1;
        Assert.Throws<TarException>(() => new TarReader(new MemoryStream(tar)).Next());
    }

    [Theory]
    [InlineData('M')]
    [InlineData('D')]
    [InlineData('?')]
    public void Unknown_entry_types_are_refused_loudly(char type) => Assert.Throws<TarException>(() => Single(new TarBytes().Add("a", type, [])));

    [Fact]
    public void Archive_without_closing_blocks_ends_cleanly_but_not_inside_an_entry()
    {
        byte[] tar = new TarBytes().File("a", new string('x', 600)).ToArrayUnclosed();
        var whole = new TarReader(new MemoryStream(tar));
        Assert.NotNull(whole.Next());
        Assert.Null(whole.Next());
        var cut = new TarReader(new MemoryStream(tar, 0, 1024));
        Assert.NotNull(cut.Next());
        Assert.Throws<TarException>(() => cut.Next());
    }

    [Fact]
    public void Extended_header_over_one_mebibyte_is_refused() =>
        Assert.Throws<TarException>(() => Single(new TarBytes().Add("x", 'x', [], size: "00004000001").File("a", "")));

    [Fact]
    public void Data_that_was_not_read_is_skipped()
    {
        var reader = new TarReader(new MemoryStream(new TarBytes().File("a", new string('x', 5000)).File("b", "second").ToArray()));
        reader.Next();
        Assert.Equal("b", reader.Next()!.Path);
        Assert.Equal("second", Encoding.Latin1.GetString(Content(reader, 6)));
    }

    [Fact]
    public void Old_gnu_sparse_file_has_its_holes()
    {
        var tar = new TarBytes().Add("s", 'S', "headtail"u8.ToArray(), change: h =>
        {
            TarBytes.Put(h, 386, "00000000000\0" + "00000000004\0");
            TarBytes.Put(h, 410, "00000010000\0" + "00000000004\0"); // 4096
            TarBytes.Put(h, 483, "00000020000\0"); // 8192
        });
        AssertSparse(tar, 8192, ("head", 0), ("tail", 4096));
    }

    [Fact]
    public void Pax_sparse_file_of_every_version_has_its_holes()
    {
        AssertSparse(new TarBytes().Pax(("GNU.sparse.size", "20"u8.ToArray()), ("GNU.sparse.numblocks",
            "1"u8.ToArray()), ("GNU.sparse.offset", "10"u8.ToArray()),
            ("GNU.sparse.numbytes", "3"u8.ToArray())).File("s", "abc"), 20, ("abc", 10));
        AssertSparse(new TarBytes().Pax(("GNU.sparse.size", "20"u8.ToArray()), ("GNU.sparse.map", "0,1,18,2"u8.ToArray()), ("GNU.sparse.name", "s"u8.ToArray()))
            .File("GNUSparseFile.1/s", "abc"), 20, ("a", 0), ("bc", 18));
        byte[] map = new byte[512];
        Encoding.Latin1.GetBytes("2\n0\n1\n18\n2\n").CopyTo(map, 0);
        AssertSparse(new TarBytes().Pax(("GNU.sparse.major", "1"u8.ToArray()), ("GNU.sparse.minor", "0"u8.ToArray()), ("GNU.sparse.realsize", "20"u8.ToArray()),
            ("GNU.sparse.name", "s"u8.ToArray())).Add("GNUSparseFile.1/s", '0', [.. map, .. "abc"u8]), 20, ("a", 0), ("bc", 18));
    }

    [Theory]
    [InlineData("0,2,1,1")] // overlapping
    [InlineData("0,3,5")]   // odd
    [InlineData("30,3")]    // beyond the size
    [InlineData("0,2")]     // not all that is stored
    public void Sparse_maps_that_lie_are_refused(string map) => Assert.Throws<TarException>(() =>
        Single(new TarBytes().Pax(("GNU.sparse.size", "20"u8.ToArray()), ("GNU.sparse.map", Encoding.Latin1.GetBytes(map))).File("s", "abc")));

    [Fact]
    public void Ten_thousand_mutations_end_in_entries_or_a_tar_exception()
    {
        byte[] map = new byte[512];
        Encoding.Latin1.GetBytes("2\n0\n1\n18\n2\n").CopyTo(map, 0);
        byte[] good = new TarBytes().Directory("d/").Pax(("SCHILY.xattr.user.x", [0, 1, 2]), ("mtime", "1.5"u8.ToArray())).File("d/a", new string('x', 700))
            .Add("L", 'L', Encoding.Latin1.GetBytes(new string('n', 120) + "\0")).File("n", "long").HardLink("h", "d/a").SymbolicLink("s", "d")
            .Pax(("GNU.sparse.major", "1"u8.ToArray()), ("GNU.sparse.minor", "0"u8.ToArray()), ("GNU.sparse.realsize", "20"u8.ToArray()))
            .Add("z", '0', [.. map, .. "abc"u8]).ToArray();
        int entries = 0, refused = 0;
        var random = new Random(20261);
        var buffer = new byte[4096];
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bad = (byte[])good.Clone();
            for (int n = random.Next(1, 8); n > 0; n--)
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            // Most mutations would stop at the checksum: half of them get a right one again.
            if (i % 2 == 0)
                FixSums(bad);
            int length = i % 5 == 0 ? random.Next(bad.Length) : bad.Length;
            try
            {
                var reader = new TarReader(new MemoryStream(bad, 0, length));
                for (; reader.Next() is not null; entries++)
                {
                    for (int total = 0; reader.Read(buffer, out long offset) is var n && n > 0; total += n)
                        Assert.True(total <= bad.Length && offset >= 0);
                }
            }
            catch (TarException)
            {
                refused++;
            }
        }
        Assert.True(entries > 1000 && refused > 1000, $"{entries} entries, {refused} refusals");
    }

    private static void FixSums(byte[] tar)
    {
        for (int at = 0; at + 512 <= tar.Length; at += 512)
        {
            Span<byte> header = tar.AsSpan(at, 512);
            if (!header.Slice(257, 5).SequenceEqual("ustar"u8))
                continue;
            header.Slice(148, 8).Fill((byte)' ');
            int sum = 0;
            foreach (byte b in header)
                sum += b;
            Encoding.Latin1.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header[148..]);
        }
    }

    private static void AssertSparse(TarBytes tar, long size, params (string Text, int Offset)[] parts)
    {
        var reader = new TarReader(new MemoryStream(tar.File("next", "").ToArray()));
        TarEntry entry = reader.Next()!;
        Assert.Equal(("s", size), (entry.Path, entry.Size));
        var expected = new byte[size];
        foreach ((string text, int offset) in parts)
            Encoding.Latin1.GetBytes(text).CopyTo(expected, offset);
        Assert.Equal(expected, Content(reader, size));
        Assert.Equal("next", reader.Next()!.Path);
    }

    private static byte[] Content(TarReader reader, long size)
    {
        var content = new byte[size];
        var buffer = new byte[7];
        for (int n; (n = reader.Read(buffer, out long offset)) > 0;)
            buffer.AsSpan(0, n).CopyTo(content.AsSpan((int)offset));
        return content;
    }

    private static TarEntry Single(TarBytes tar)
    {
        var reader = new TarReader(new MemoryStream(tar.ToArray()));
        TarEntry entry = reader.Next()!;
        Assert.Null(reader.Next());
        return entry;
    }
}
