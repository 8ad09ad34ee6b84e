using System.Text.Json;

using Xunit.Abstractions;

using ZeroOS.Formats.Cpio;
using ZeroOS.SystemTests.Bench;
using ZeroOS.Tests.Shared;

namespace ZeroOS.SystemTests;

/// <summary>The image holds what its manifest lists, is small, and its programs need nothing beside them.</summary>
public sealed class ImageTests(ITestOutputHelper output)
{
    private static async Task<IReadOnlyList<CpioEntry>> Archive()
    {
        string plain = Path.Combine(Checkout.Scratch("image"), "initramfs.cpio");
        (await Command.Run("zstd", ["-q", "-d", "-o", plain, Checkout.Path("out", "initramfs.cpio.zst")], TimeSpan.FromMinutes(1))).Ok();
        return CpioReader.Read(await File.ReadAllBytesAsync(plain));
    }

    [Fact]
    public void The_efi_file_is_at_most_28_MB() => Assert.InRange(new FileInfo(Checkout.Path("out", "zeroos.efi")).Length, 1, 28_000_000);

    /// <summary>Kernel and initramfs are on a medium twice, inside the EFI file and beside it: a long window finds them again.</summary>
    [Theory]
    [InlineData("zeroos.img")]
    [InlineData("zeroos.iso")]
    public async Task A_medium_is_at_most_160_MB_and_its_download_at_most_40(string name)
    {
        string medium = Checkout.Path("out", name), packed = Path.Combine(Checkout.Scratch("packed-" + name), name + ".zst");
        (await Command.Run("zstd", ["-q", "-T0", "-3", "--long=27", "-o", packed, medium], TimeSpan.FromMinutes(1))).Ok();
        long bytes = new FileInfo(medium).Length, download = new FileInfo(packed).Length;
        File.Delete(packed);
        World.Figure(output, $"{name}, raw", bytes / 1e6, "MB");
        World.Figure(output, $"{name}, download", download / 1e6, "MB");
        Assert.InRange(bytes, 1, 160_000_000);
        Assert.InRange(download, 1, 40_000_000);
    }

    [Fact]
    public async Task Every_file_is_the_one_that_SHA256SUMS_names() =>
        (await Command.Run("bash", ["-c", "cd out && sha256sum --quiet -c SHA256SUMS"], TimeSpan.FromMinutes(1))).Ok();

    [Fact]
    public void Every_package_of_the_built_programs_is_in_the_bill_of_materials()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Checkout.Path("out", "zeroos.spdx.json")));
        SpdxRules.Hold(document.RootElement);
        HashSet<string> listed = [.. document.RootElement.GetProperty("packages").EnumerateArray()
            .Select(p => $"{p.GetProperty("name")}/{p.GetProperty("versionInfo")}")];
        foreach (string program in (string[])["zeroos", "zvmm", "zguest", "zos"])
        {
            // Not by the builder's reader of that file: every "type": "package" among its libraries.
            using JsonDocument assets = JsonDocument.Parse(File.ReadAllBytes(Checkout.Path("out", "programs", program + ".assets.json")));
            foreach (JsonProperty library in assets.RootElement.GetProperty("libraries").EnumerateObject()
                .Where(l => l.Value.GetProperty("type").ValueEquals("package")))
                Assert.Contains(library.Name, listed);
        }
        foreach (string line in File.ReadAllLines(Checkout.Path("image", "components")).Where(l => l.Length > 0 && l[0] != '#'))
            Assert.Contains(listed, name => name.StartsWith(line.Split(' ')[0] + "/", StringComparison.Ordinal));
    }

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
        List<(string Path, byte[] Content)> programs = [.. (await Archive()).Where(e => (e.Mode & 0xF049) >= 0x8001 && e.Content.Length > 4)
            .Select(e => (e.Path, e.Content.ToArray()))];
        programs.Add(("/zguest", CpioReader.Read((await Archive()).Single(e => e.Path == "/guest/initramfs.cpio").Content)
            .Single(e => e.Path == "/init").Content.ToArray()));
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
