using Xunit;

using ZeroOS.Linux;
using ZeroOS.Node.Screen;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Screen;

public sealed class ScreenLayoutTests
{
    [Fact]
    public void A_ready_node_on_a_text_screen_shows_who_it_is_and_what_it_has()
    {
        string[] lines = ScreenBench.Lines(ScreenLayout.Compose(ScreenBench.Ready, 25, 80));
        Assert.StartsWith(" ZeroOS 0.3.0  0123456789ab  rack-7 ", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(" 2026-11-25 22:57 UTC ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith($" node id  {ScreenBench.NodeId} ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith(" farm     Grünes Tal ", lines[2], StringComparison.Ordinal);
        Assert.StartsWith(" address  10.0.2.15/24, fec0::5054:ff:fe12:3456/64 ", lines[3], StringComparison.Ordinal);
        Assert.StartsWith(" state    ready after 3.2 s ", lines[4], StringComparison.Ordinal);
        Assert.StartsWith(" F1 this page   F2 kernel log   Ctrl-Alt-Del restarts ", lines[24], StringComparison.Ordinal);
        string[] body = [.. lines[6..24].Select(l => l[..42].TrimEnd())];
        Assert.Equal(
        [
            " tier     open",
            " cpu      12 % of 8",
            " memory   3.0 GiB of 16.0 GiB",
            " storage  1.0 GiB of 8.0 GiB",
            " machines 3 running",
            "",
            " card     eth0 52:54:00:12:34:56",
            "          10.0.2.15/24",
            " card     eth1 52:54:00:12:34:57 no cable",
            "",
            " disk     nvme0n1 2.0 TiB in use",
            "          Samsung SSD 990 PRO 2TB S7DNNJ0W",
            " disk     sda 8.0 GiB foreign",
            "          holds ext4",
            "", "", "", "",
        ], body);
    }

    [Fact]
    public void A_node_that_lacks_everything_says_each_thing_in_words()
    {
        ScreenPage page = ScreenLayout.Compose(ScreenBench.Bare, 25, 80);
        string words = ScreenBench.Words(page, 42);
        foreach (string sentence in ScreenBench.Bare.Conditions.Select(c => c.Message!))
            Assert.Contains(sentence, words, StringComparison.Ordinal);
        Assert.Contains("farm none", words, StringComparison.Ordinal);
        Assert.Contains("address none", words, StringComparison.Ordinal);
        Assert.Matches(@"\([0-9]+ more lines\)", page.Line(24)); // cards and disks gave way to what is missing
    }

    [Fact]
    public void On_a_larger_screen_nothing_gives_way()
    {
        string words = ScreenBench.Words(ScreenLayout.Compose(ScreenBench.Bare, 50, 160), 120);
        Assert.DoesNotContain("more lines", words, StringComparison.Ordinal);
        Assert.Contains("card eth0 52:54:00:12:34:56 no cable", words, StringComparison.Ordinal);
        Assert.Contains("disk vda 8.0 GiB empty nothing on it; taken when there are farm settings", words, StringComparison.Ordinal);
        Assert.Contains("storage 0 MiB of 240 MiB, in memory", words, StringComparison.Ordinal);
        Assert.Contains("2011-11-11 00:00 UTC?", ScreenLayout.Compose(ScreenBench.Bare, 50, 160).Line(0), StringComparison.Ordinal);
    }

    [Fact]
    public void Before_there_is_an_id_the_step_of_the_start_is_what_one_sees()
    {
        ScreenPage page = ScreenLayout.Compose(ScreenBench.Booting, 25, 80);
        Assert.Contains("node id not yet farm none address none state starting: looks at the disks", ScreenBench.Words(page, 80), StringComparison.Ordinal);
        Assert.DoesNotContain(ScreenBench.Lines(page), l => l.Contains('█', StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 7)]
    [InlineData(10, 20)]
    [InlineData(24, 40)]
    [InlineData(24, 80)]
    [InlineData(25, 80)]
    [InlineData(25, 132)]
    [InlineData(48, 128)]
    [InlineData(50, 160)]
    [InlineData(67, 240)]
    public void A_page_is_as_large_as_its_screen_whatever_is_said(int rows, int columns)
    {
        string endless = new('x', 10_000);
        ScreenFacts loud = ScreenBench.Ready with
        {
            Name = endless,
            Version = endless,
            Farm = endless,
            Stage = endless,
            Tier = endless,
            Conditions = [ScreenBench.Missing(endless, endless), ScreenBench.Missing("b", endless)],
            Addresses = [.. Enumerable.Repeat(endless, 50)],
            Cards = [.. Enumerable.Range(0, 40).Select(i => new ScreenCard(endless, endless, i % 2 == 0, endless, [endless, endless]))],
            Disks = [.. Enumerable.Range(0, 40).Select(_ => new ScreenDisk(endless, endless, endless, long.MaxValue, "foreign", endless))],
        };
        foreach (ScreenFacts facts in new[] { loud, ScreenBench.Ready, ScreenBench.Bare, ScreenBench.Booting })
        {
            string[] lines = ScreenBench.Lines(ScreenLayout.Compose(facts, rows, columns));
            Assert.Equal(rows, lines.Length);
            Assert.All(lines, l => Assert.Equal(columns, l.Length));
        }
    }

    [Theory]
    [InlineData(25, 80)]
    [InlineData(24, 80)]
    [InlineData(50, 160)]
    public void Text_never_runs_into_the_code(int rows, int columns)
    {
        ScreenPage page = ScreenLayout.Compose(ScreenBench.Bare with { Farm = new string('x', 500), Stage = new string('y', 500) }, rows, columns);
        int code = 0;
        for (int row = 0; row < page.Rows; row++)
        {
            foreach (ScreenCell cell in page.Row(row))
            {
                Assert.True(cell.Style != ScreenStyle.Code || cell.Glyph is (byte)' ' or Glyphs.Full or Glyphs.Upper or Glyphs.Lower);
                code += cell.Style == ScreenStyle.Code ? 1 : 0;
            }
        }
        // Version 3 has 29 modules on a side: with a quiet zone of four 37 columns by 19 rows, with one of two 33 by 17.
        Assert.Equal(rows == 24 ? 33 * 17 : 37 * 19, code);
    }

    [SkippableTheory]
    [InlineData(25, 80)]
    [InlineData(24, 80)]
    [InlineData(50, 160)]
    public void A_camera_reads_the_id_from_the_page(int rows, int columns)
    {
        Skip.IfNot(File.Exists("/usr/bin/zbarimg"), "zbar-tools is not installed");
        string file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.pgm");
        try
        {
            File.WriteAllBytes(file, PagePicture.Of(ScreenLayout.Compose(ScreenBench.Ready, rows, columns)));
            Assert.Equal(ScreenBench.NodeId, ProgramRun.Of("zbarimg", "-q", "--raw", file).Output.Trim());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData(0L, "0 MiB")]
    [InlineData(536_870_912L, "512 MiB")]
    [InlineData(1_073_741_824L, "1.0 GiB")]
    [InlineData(2_000_398_934_016L, "1.8 TiB")]
    public void Sizes_have_one_decimal(long bytes, string text) => Assert.Equal(text, ScreenWords.Size(bytes));

    [Theory]
    [InlineData("a b", 8, "a b")]
    [InlineData("is the cable plugged in?", 12, "is the cable|plugged in?")]
    [InlineData("aaaaaaaaaaaaaaaaaaaa", 8, "aaaaaaaa|aaaaaaaa|aaaa")]
    [InlineData("  ", 8, "")]
    public void Sentences_break_at_spaces(string text, int width, string lines) => Assert.Equal(lines, string.Join('|', ScreenWords.Wrap(text, width)));

    [Theory]
    [InlineData("", 10, "none")]
    [InlineData("a", 10, "a")]
    [InlineData("aaaa,bbbb", 10, "aaaa, bbbb")]
    [InlineData("aaaa,bbbb,cccc", 10, "aaaa +2")]
    [InlineData("aaaa,bbbb,cccc", 13, "aaaa, bbbb +1")]
    public void What_does_not_fit_of_a_list_is_counted(string words, int width, string text) =>
        Assert.Equal(text, ScreenWords.List(words.Split(',', StringSplitOptions.RemoveEmptyEntries), width));
}
