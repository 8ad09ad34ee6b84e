using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Cli;
using ZeroOS.Tests.Formats;

namespace ZeroOS.Tests.Media.SystemImage;

/// <summary>
/// An image of small stand-ins for the built parts (nobody boots it), with the real stub and the real boot loaders, made by the verb that makes farmers'
/// images; once without farm settings and once with them. Tests leave both as they are.
/// </summary>
public sealed class ImageBench : IAsyncLifetime
{
    private const string Stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";

    private static readonly string[] s_needed = [Stub, "/usr/bin/xorriso", "/usr/bin/syslinux", "/usr/bin/mmd", "/usr/sbin/mkfs.vfat",
        "/usr/lib/ISOLINUX/isolinux.bin", "/usr/lib/PXELINUX/pxelinux.0"];

    private readonly string _root = Directory.CreateTempSubdirectory("zos-image").FullName;

    public string Folder => Path.Combine(_root, "image");

    public string WithFarm => Path.Combine(_root, "with-farm");

    public string Parts => Path.Combine(_root, "parts");

    public string Farm => Path.Combine(_root, "farm.cred");

    /// <summary>Skips the test where a boot loader or tool is not installed.</summary>
    public void Need() => Skip.If(Missing is not null, $"{Missing} is not installed");

    public async Task InitializeAsync()
    {
        if (Missing is not null)
            return;
        Directory.CreateDirectory(Path.Combine(Parts, "templates"));
        Random random = new(6);
        foreach (string part in (string[])["zeroos", "zvmm", "zguest", "zos", "guest-vmlinux", "ca-certificates.crt", "templates/btrfs.img.zst",
            "templates/ext4.img.zst"])
        {
            byte[] content = new byte[300_000];
            random.NextBytes(content);
            File.WriteAllBytes(Path.Combine(Parts, part), content);
        }
        File.Copy(Stub, Path.Combine(Parts, "stub.efi"));
        File.Copy(Stub, Path.Combine(Parts, "host-bzImage")); // a kernel is an EFI program too
        foreach (string program in (string[])["zeroos", "zvmm", "zguest", "zos"])
            File.WriteAllText(Path.Combine(Parts, program + ".assets.json"),
                """{"targets":{"net10.0/linux-x64":{}},"libraries":{},"project":{"frameworks":{"net10.0":{}}}}""");
        File.WriteAllLines(Path.Combine(Parts, "debian-versions"), File.ReadLines(Path.Combine(Repository.Checkout.Root, "image/components"))
            .Where(l => l.Length > 0 && l[0] != '#').Select(l => $"{l.Split(' ')[0]} 1-1 source 1-1"));
        Judge.Ask("bash", Path.Combine(Repository.Checkout.Root, "scripts", "bootloaders"), Path.Combine(Parts, "boot"));
        using IdentityKey owner = IdentityKey.Generate();
        File.WriteAllBytes(Farm, FarmDocument.Sign(TestFarm.Of(owner, Crypto.Random(Crypto.KeyBytes)) with { Name = "barn" }, owner));
        await BuildAsync(Folder);
        await Ok("image", "build", "--image", Folder, "--farm", Farm, "-o", WithFarm);
    }

    public Task<string> BuildAsync(string output, params string[] more) =>
        Ok(["image", "build", "--repository", Repository.Checkout.Root, "--parts", Parts, "-o", output, .. more]);

    /// <summary>A path for one test's own files.</summary>
    public string Scratch(string name) => Path.Combine(_root, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(Scratch(name), text);
        return Scratch(name);
    }

    public async Task<string> Ok(params string[] args) => (await ZosRun.OfAsync(null, args)).Ended(0).Out;

    public async Task<string> Fails(int code, params string[] args) => (await ZosRun.OfAsync(null, args)).Ended(code).Error;

    public Task DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return Task.CompletedTask;
    }

    private static string? Missing => s_needed.FirstOrDefault(f => !File.Exists(f));
}
