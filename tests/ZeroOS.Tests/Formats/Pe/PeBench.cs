using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

using ZeroOS.Formats.Pe;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Formats.Pe;

/// <summary>A small image behind the real stub, keys to sign it with, a folder, and the programs that judge.</summary>
internal sealed class PeBench : IDisposable
{
    private const string Stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";

    // Making RSA keys is slow: one for all tests, and another for those that need two.
    private static readonly Lazy<RSA> s_key = new(() => RSA.Create(2048)), s_otherKey = new(() => RSA.Create(2048));

    private readonly string _folder = Directory.CreateTempSubdirectory("zos-pe").FullName;

    public PeBench(bool other = false)
    {
        Skip.IfNot(File.Exists(Stub), "systemd-boot-efi is not installed");
        Key = (other ? s_otherKey : s_key).Value;
        CertificateRequest request = new("CN=a farm", Key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        Certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(90));
    }

    public RSA Key { get; }

    public X509Certificate2 Certificate { get; }

    /// <summary>An image with a kernel, an initramfs and what else the stub measures.</summary>
    public static byte[] Image(params (string Name, ReadOnlyMemory<byte> Content)[] more) => UnifiedKernelImage.Assemble(File.ReadAllBytes(Stub),
        [(".osrel", "ID=test"u8.ToArray()), (".cmdline", "quiet"u8.ToArray()), .. more, (".initrd", Bytes(70_000)), (".linux", Bytes(5_001))]);

    public byte[] Sign(ReadOnlySpan<byte> image) => Authenticode.Sign(image, Certificate.RawData, Key);

    public string Write(string name, ReadOnlySpan<byte> content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    public string WriteCertificate() => Write("certificate.pem", System.Text.Encoding.ASCII.GetBytes(Certificate.ExportCertificatePem()));

    /// <summary>Runs a judge; skips the test when it is not installed.</summary>
    public static ProgramRun Run(string program, params string[] arguments)
    {
        Skip.IfNot(File.Exists(program), $"{program} is not installed");
        return ProgramRun.Of(program, arguments);
    }

    public void Dispose()
    {
        Certificate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
