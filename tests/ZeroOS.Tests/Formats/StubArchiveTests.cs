using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

using ZeroOS.Formats.Cpio;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Formats;

public sealed class StubArchiveTests
{
    [Fact]
    public void Nothing_beside_the_image_is_no_archive() => Assert.Null(StubArchive.Credentials());

    [Fact]
    public void The_archive_has_the_headers_that_the_stub_writes()
    {
        byte[] archive = StubArchive.Credentials(("farm.cred", "settings"u8.ToArray()))!;
        string text = Encoding.ASCII.GetString(archive);
        Assert.StartsWith("070701" + "00000001" + "0000416d" + "00000000" + "00000000" + "00000001" + "00000000" + "00000000" + new string('0', 32) + "00000007"
            + "00000000" + ".extra\0", text, StringComparison.Ordinal);
        Assert.Contains("070701" + "00000002" + "00004140", text, StringComparison.Ordinal);
        Assert.Contains("070701" + "00000003" + "00008100" + "00000000" + "00000000" + "00000001" + "00000000" + "00000008", text, StringComparison.Ordinal);
        Assert.EndsWith("0000000B00000000TRAILER!!!\0\0\0\0", text, StringComparison.Ordinal);
        Assert.Equal(0, archive.Length % 4);
    }

    [Fact]
    public void Files_come_in_the_order_of_their_names() =>
        Assert.Equal(["/.extra", "/.extra/credentials", "/.extra/credentials/a.cred", "/.extra/credentials/b.cred"],
            CpioReader.Read(StubArchive.Credentials(("b.cred", default), ("a.cred", default))).Select(e => e.Path));

    [SkippableFact]
    public void The_cpio_program_reads_it()
    {
        Skip.IfNot(File.Exists("/usr/bin/cpio"), "cpio is not installed");
        byte[] archive = StubArchive.Credentials(("farm.cred", RandomNumberGenerator.GetBytes(1001)))!;
        string listing = ProgramRun.Of(new ProcessStartInfo("cpio", ["-t", "--quiet"]), archive).Succeeded().Output;
        Assert.Equal(".extra\n.extra/credentials\n.extra/credentials/farm.cred\n", listing);
    }
}
