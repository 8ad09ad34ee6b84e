using ZeroOS.Formats.Cpio;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>The image holds what its manifest lists, is small, and its programs need nothing beside them.</summary>
public sealed class ImageTests
{
    private static async Task<IReadOnlyList<CpioEntry>> Archive()
    {
        string plain = Path.Combine(Checkout.Scratch("image"), "initramfs.cpio");
        (await Command.Run("zstd", ["-q", "-d", "-o", plain, Checkout.Path("out", "initramfs.cpio.zst")], TimeSpan.FromMinutes(1))).Ok();
        return CpioReader.Read(await File.ReadAllBytesAsync(plain));
    }

    [Fact]
    public void The_efi_file_is_at_most_24_MB() => Assert.InRange(new FileInfo(Checkout.Path("out", "zeroos.efi")).Length, 1, 24_000_000);

    [Theory]
    [InlineData("")]
    [InlineData("/guest/initramfs.cpio")]
    public async Task The_archive_holds_what_the_manifest_lists_and_nothing_else(string nested)
    {
        IReadOnlyList<CpioEntry> entries = await Archive();
        if (nested.Length > 0)
            entries = CpioReader.Read(entries.Single(e => e.Path == nested).Content);
        IEnumerable<string> listed = File.ReadLines(Checkout.Path("image", nested.Length > 0 ? "guest.manifest" : "manifest"))
            .Where(l => l.StartsWith('/')).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(w => $"{w[0]} {w[1]}");
        Assert.Equal(listed.Order(), entries.Select(e => $"{e.Path} {Convert.ToString(e.Mode & 0xFFF, 8).PadLeft(4, '0')}").Order());
        Assert.DoesNotContain(entries, e => e.Path.EndsWith(".so", StringComparison.Ordinal) || e.Path.EndsWith("/sh", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_program_is_statically_linked()
    {
        List<(string Path, byte[] Content)> programs = [.. (await Archive()).Where(e => (e.Mode & 0xF049) >= 0x8001 && e.Content.Length > 4).Select(e => (e.Path, e.Content.ToArray()))];
        programs.Add(("/zguest", CpioReader.Read((await Archive()).Single(e => e.Path == "/guest/initramfs.cpio").Content).Single(e => e.Path == "/init").Content.ToArray()));
        Assert.Equal(["/init", "/zguest", "/zvmm"], programs.Select(p => p.Path).Order());
        foreach ((string path, byte[] content) in programs)
        {
            string file = Path.Combine(Checkout.Scratch("program"), "file");
            await File.WriteAllBytesAsync(file, content);
            string headers = (await Command.Run("readelf", ["-lW", file], TimeSpan.FromSeconds(30))).Ok();
            Assert.True(!headers.Contains("INTERP", StringComparison.Ordinal), $"{path} asks for a program interpreter");
            string dynamic = (await Command.Run("readelf", ["-dW", file], TimeSpan.FromSeconds(30))).Ok();
            Assert.True(!dynamic.Contains("NEEDED", StringComparison.Ordinal), $"{path} needs a library: {dynamic}");
        }
    }
}
