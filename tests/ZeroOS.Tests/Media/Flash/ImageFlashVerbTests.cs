using System.Text.Json;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Cli;
using ZeroOS.Cli.Output;
using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Gpt;
using ZeroOS.Formats.Streams;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Media.Flash;

/// <summary>zos image flash as a person types it.</summary>
public sealed class ImageFlashVerbTests : IDisposable
{
    private readonly FlashBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_file_that_is_not_there_is_made_and_holds_the_image()
    {
        string target = Path.Combine(_bench.Folder, "out.img");
        Assert.Contains("written and compared", await Run(0, null, "flash", target, "--image", _bench.Image), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(_bench.Image), File.ReadAllBytes(target));
        Assert.True(Blocks(target) < 10 << 20, "the zeros of an image take no room in a file");
        Assert.Empty(Directory.GetFiles(_bench.Folder, "*.new"));
    }

    [Fact]
    public async Task A_previous_image_is_replaced_without_a_word_and_json_says_what_was_done()
    {
        string target = Path.Combine(_bench.Folder, "out.img");
        File.Copy(_bench.Image, target);
        using JsonDocument summary = JsonDocument.Parse(await Run(0, null, "flash", target, "--image", _bench.Image, "--json"));
        Assert.Equal((FlashBench.ImageBytes, true),
            (summary.RootElement.GetProperty("bytes").GetInt64(), summary.RootElement.GetProperty("compared").GetBoolean()));
    }

    [Fact]
    public async Task Another_file_is_replaced_only_by_a_yes_or_by_its_name()
    {
        string target = Path.Combine(_bench.Folder, "thesis.pdf");
        await File.WriteAllTextAsync(target, "years of work");
        Assert.Contains("--yes-this-disk thesis.pdf", await Run(1, null, "flash", target, "--image", _bench.Image), StringComparison.Ordinal);
        Assert.Contains("was not touched", await Run(1, "no", "flash", target, "--image", _bench.Image), StringComparison.Ordinal);
        Assert.Equal("years of work", await File.ReadAllTextAsync(target));
        await Run(0, "yes", "flash", target, "--image", _bench.Image);
        await File.WriteAllTextAsync(target, "years of work");
        await Run(0, null, "flash", target, "--image", _bench.Image, "--yes-this-disk", "thesis.pdf");
        Assert.Equal(File.ReadAllBytes(_bench.Image), File.ReadAllBytes(target));
    }

    [Fact]
    public async Task Settings_are_verified_and_lie_beside_the_efi_file_of_what_was_written()
    {
        using IdentityKey owner = IdentityKey.Generate();
        string farm = Path.Combine(_bench.Folder, "farm.cred"), target = Path.Combine(_bench.Folder, "out.img");
        await File.WriteAllTextAsync(farm, "{}");
        Assert.Contains("every node would refuse", await Run(1, null, "flash", target, "--image", _bench.Image, "--farm", farm), StringComparison.Ordinal);
        Assert.False(File.Exists(target));
        byte[] document = FarmDocument.Sign(TestFarm.Of(owner, Crypto.Random(Crypto.KeyBytes)), owner);
        await File.WriteAllBytesAsync(farm, document);
        Assert.Contains("with the settings of farm.cred", await Run(0, null, "flash", target, "--image", _bench.Image, "--farm", farm),
            StringComparison.Ordinal);
        using FileStream disk = File.OpenRead(target);
        using SubStream volume = Assert.Single(GptReader.Read(disk).Partitions).Open(disk);
        FatReader fat = new(volume);
        Assert.Equal(document, fat.ReadAll(fat.Find("EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred")!, 1 << 20));
        Assert.Equal(3_000_001, fat.Find("EFI/BOOT/BOOTX64.EFI")!.Size);
    }

    [Fact]
    public async Task What_cannot_be_is_a_sentence()
    {
        Assert.Contains("--list", await Run(2, null, "flash"), StringComparison.Ordinal);
        Assert.Contains("there is no device /dev/sdzz", await Run(1, null, "flash", "/dev/sdzz", "--image", _bench.Image), StringComparison.Ordinal);
        Assert.Contains("neither a disk nor a file", await Run(1, null, "flash", "/dev/null", "--image", _bench.Image), StringComparison.Ordinal);
        Assert.Contains("neither a disk nor a file", await Run(1, null, "flash", "/tmp", "--image", _bench.Image), StringComparison.Ordinal);
        Assert.Contains("there is no image", await Run(1, null, "flash", "out.img", "--image", "/nowhere.img"), StringComparison.Ordinal);
        Assert.Contains("make image", await Run(1, null, "flash", "out.img"), StringComparison.Ordinal);
    }

    [SkippableFact]
    [Trait("tier", "kernel")]
    public async Task A_loop_device_is_written_around_the_cache_and_the_kernel_finds_the_partition()
    {
        using LoopDevice loop = LoopDevice.Make(Path.Combine(_bench.Folder, "loop.raw"), 100 << 20);
        string name = Path.GetFileName(loop.Path);
        Assert.Contains($"--yes-this-disk {name}", await Run(1, "yes", "flash", loop.Path, "--image", _bench.Image), StringComparison.Ordinal);
        string said = await Run(0, null, "flash", loop.Path, "--image", _bench.Image, "--yes-this-disk", name);
        Assert.Contains("at the end of the disk", said, StringComparison.Ordinal);
        Assert.Contains("nothing on it", said, StringComparison.Ordinal);
        Assert.Contains("FAT32 \"ZEROOS\"", await Run(1, null, "flash", loop.Path, "--image", _bench.Image), StringComparison.Ordinal);
        Assert.Contains("No problems found", ProgramRun.Of("sgdisk", "-v", loop.Path).Succeeded().Said, StringComparison.Ordinal);
    }

    [SkippableFact]
    [Trait("tier", "kernel")]
    public async Task A_mounted_disk_is_refused_whatever_is_said()
    {
        using LoopDevice loop = LoopDevice.Make(Path.Combine(_bench.Folder, "loop.raw"), 100 << 20);
        ProgramRun.Of("mke2fs", "-q", loop.Path).Succeeded();
        string folder = Directory.CreateDirectory(Path.Combine(_bench.Folder, "mounted")).FullName;
        ProgramRun.Of("mount", loop.Path, folder).Succeeded();
        try
        {
            Assert.Contains($"is mounted at {folder}", await Run(1, "yes", "flash", loop.Path, "--image", _bench.Image, "--yes-this-disk",
                Path.GetFileName(loop.Path)), StringComparison.Ordinal);
        }
        finally
        {
            ProgramRun.Of("umount", folder).Succeeded();
        }
    }

    private static async Task<string> Run(int code, string? answer, params string[] arguments)
    {
        StringWriter said = new();
        int was = await CommandLine.RunAsync(["image", .. arguments],
            new Terminal(said, arguments.Contains("--json") ? TextWriter.Null : said, Stream.Null, Stream.Null, interactive: answer is not null, _ => answer));
        Assert.True(was == code, $"zos image {string.Join(' ', arguments)}: {was} instead of {code}: {said}");
        return said.ToString();
    }

    private static long Blocks(string file) =>
        long.Parse(ProgramRun.Of("stat", "-c", "%b", file).Output, System.Globalization.CultureInfo.InvariantCulture) * 512;
}
