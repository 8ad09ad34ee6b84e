using System.Security.Cryptography;
using System.Text;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Zstd;
using ZeroOS.Media.SystemImage.Signing;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Cli;

namespace ZeroOS.Tests.Media.SystemImage;

/// <summary>A release nobody boots (the stub stands in for the kernel too, because that is a PE file), farm settings, signing keys, and zos.</summary>
internal sealed class TrustBench : IDisposable
{
    private const string Stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";

    public TrustBench()
    {
        Skip.IfNot(File.Exists(Stub), "systemd-boot-efi is not installed");
        File.WriteAllBytes(Release, Make(SigningKeys.None).Efi);
        using IdentityKey owner = IdentityKey.Generate();
        File.WriteAllBytes(Farm, FarmDocument.Sign(TestFarm.Of(owner, Crypto.Random(Crypto.KeyBytes)) with { Name = "barn" }, owner));
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("zos-trust").FullName;

    /// <summary>An image without signatures.</summary>
    public string Release => In("release.efi");

    public string Farm => In("farm.cred");

    public string In(string name) => Path.Combine(Folder, name);

    /// <summary>The release's image under these keys.</summary>
    public static BootImage Make(SigningKeys keys)
    {
        byte[] stub = File.ReadAllBytes(Stub);
        return BootImage.Make(stub, [(".osrel", "ID=zeroos\nVERSION_ID=1.2.3\n"u8.ToArray()), (".cmdline", "quiet"u8.ToArray()), (".initrd", PackedInitramfs()),
            (".linux", stub)], keys, "1.2.3", "sha256:abcd");
    }

    /// <summary>Keys that zos made; the files are in the bench's folder.</summary>
    public async Task<string[]> KeysAsync()
    {
        await Ok("image", "keys", "new", "-o", In("keys"));
        return ["--secure-boot-key", In("keys/secure-boot.key"), "--secure-boot-certificate", In("keys/secure-boot.pem")];
    }

    public async Task<string> Ok(params string[] args)
    {
        ZosRun run = (await ZosRun.OfAsync(null, args)).Ended(0);
        return run.Out + run.Error;
    }

    public async Task<string> Fails(int code, params string[] args) => (await ZosRun.OfAsync(null, args)).Ended(code).Error;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static byte[] PackedInitramfs()
    {
        MemoryStream archive = new();
        CpioWriter cpio = new(archive, DateTimeOffset.UnixEpoch);
        cpio.AddFile("/init", 0x16D, RandomNumberGenerator.GetBytes(1001)); // so that the compressed length is odd now and then
        cpio.AddFile("/release", 0x124, Encoding.ASCII.GetBytes("sha256:abcd\n2026-01-02T03:04:05Z\n1.2.3\n"));
        cpio.Finish();
        using ZstdCompressor zstd = new(level: 3);
        byte[] stored = new byte[ZstdLibrary.CompressBound((int)archive.Length)];
        return stored[..zstd.Compress(archive.ToArray(), stored)];
    }
}
