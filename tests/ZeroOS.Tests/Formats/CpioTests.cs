using System.Diagnostics;

using ZeroOS.Formats.Cpio;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Formats;

public class CpioTests
{
    internal static byte[] Sample()
    {
        MemoryStream stream = new();
        CpioWriter writer = new(stream, DateTimeOffset.UnixEpoch.AddSeconds(1_000_000_000));
        writer.AddDirectory("/dev", 0x1ED);
        writer.AddCharacterDevice("/dev/console", 0x180, 5, 1);
        writer.AddFile("/init", 0x16D, "#!first"u8);
        writer.AddSymlink("/link", "/init");
        writer.Finish();
        return stream.ToArray();
    }

    [Fact]
    public void Archive_read_back_has_the_same_entries()
    {
        IReadOnlyList<CpioEntry> entries = CpioReader.Read(Sample());
        Assert.Equal(["/dev", "/dev/console", "/init", "/link"], entries.Select(e => e.Path));
        Assert.Equal((5u, 1u), (entries[1].Major, entries[1].Minor));
        Assert.Equal("#!first"u8.ToArray(), entries[2].Content.ToArray());
        Assert.Equal(0x8000 | 0x16D, entries[2].Mode);
    }

    [Fact]
    public void Two_archives_back_to_back_are_read_as_one() => Assert.Equal(8, CpioReader.Read(Sample().Concat(Sample()).ToArray()).Count);

    [Fact]
    public void The_same_input_gives_the_same_bytes() => Assert.Equal(Sample(), Sample());

    [Fact]
    public void Relative_and_climbing_paths_are_refused()
    {
        CpioWriter writer = new(Stream.Null, DateTimeOffset.UnixEpoch);
        Assert.Throws<ArgumentException>(() => writer.AddFile("init", 0, default));
        Assert.Throws<ArgumentException>(() => writer.AddFile("/a/../init", 0, default));
    }

    [SkippableFact]
    public void The_cpio_program_lists_what_we_wrote()
    {
        Skip.IfNot(File.Exists("/usr/bin/cpio"), "cpio is not installed");
        string listing = ProgramRun.Of(new ProcessStartInfo("cpio", ["-tv", "--quiet"]), Sample()).Succeeded().Output;
        Assert.Contains("crw-------", listing, StringComparison.Ordinal);
        Assert.Contains("link -> /init", listing, StringComparison.Ordinal);
    }

    [Fact]
    public void Mutated_archives_are_read_or_refused_and_nothing_else()
    {
        byte[] sample = Sample();
        Random random = new(1);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] mutant = sample[..random.Next(sample.Length + 1)];
            for (int n = random.Next(4); n > 0 && mutant.Length > 0; n--)
                mutant[random.Next(mutant.Length)] = (byte)random.Next(256);
            try
            {
                Assert.InRange(CpioReader.Read(mutant).Count, 0, 100);
            }
            catch (InvalidDataException)
            {
                // its own exception: refused, with a reason
            }
        }
    }
}
