using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

using Xunit.Abstractions;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>A node on UEFI firmware with a TPM proves what it booted, to an owner, to a tenant, and to nobody who holds something else against it.</summary>
public sealed class AttestationTests(ITestOutputHelper output)
{
    private const string Snakeoil = "/usr/share/ovmf/PkKek-1-snakeoil";

    [SkippableFact]
    public async Task A_measured_node_proves_its_image_its_settings_and_its_TPM()
    {
        SkipWithout();
        await using World world = await World.Make("attest");
        string measurements = await BootableImage.File("measurements.json");
        await world.BootUnseen(options: ["--efi", "--image", await BootableImage.Folder, "--tpm"]);
        string authorities = Authorities(world);

        string proved = await world.Owner.Ok("node", "attest", world.Name, "--measurements", measurements, "--farm", world.FarmFile, "--ek-ca", authorities,
            "--save", Path.Combine(world.Folder, "evidence.json"));
        output.WriteLine(proved);
        Assert.StartsWith("Proved: the node runs ZeroOS", proved, StringComparison.Ordinal);
        Assert.Contains($"the settings of farm \"{world.Name}\"", proved, StringComparison.Ordinal);
        Assert.DoesNotContain("--ek-ca", proved, StringComparison.Ordinal);
        string info = await world.Owner.Ok("node", "info");
        Assert.Contains("tpm2 measured-boot", info, StringComparison.Ordinal);

        // A tenant needs no word of the owner's; a stranger gets no answer.
        Zos tenant = new(Path.Combine(world.Folder, "tenant"));
        string key = await tenant.NewKey();
        await world.Pin(tenant);
        Assert.Contains("denied", (await tenant.Run(TimeSpan.FromMinutes(1), "node", "attest", world.Name, "--measurements", measurements)).Error,
            StringComparison.Ordinal);
        await world.Grant(key, "8080");
        Assert.StartsWith("Proved: ", await tenant.Ok("node", "attest", world.Name, "--measurements", measurements), StringComparison.Ordinal);

        // Held against another image, other settings, another maker, another TPM of before.
        Assert.Equal("wrong-image",
            await Reason(world.Owner, world.Name, "--measurements", Changed(world, measurements, "pcr11", m => m["pcr11"] = new string('0', 64))));
        Assert.Equal("wrong-image", await Reason(world.Owner, world.Name, "--measurements",
            Changed(world, measurements, "file", m => m["efi"]!["authenticode"] = new string('0', 64))));
        string other = Path.Combine(world.Folder, "other.cred");
        await world.Owner.Ok("farm", "new", "--owner", world.OwnerKey, "--name", "other", "-o", other);
        Assert.Equal("settings-differ", await Reason(world.Owner, world.Name, "--measurements", measurements, "--farm", other));
        Assert.Equal("certificate-not-trusted", await Reason(world.Owner, world.Name, "--measurements", measurements, "--ek-ca", OtherAuthority(world)));
        Assert.Equal("no-measurements", await Reason(world.Owner, world.Name));
        string config = Path.Combine(world.Folder, "tenant", "config.json");
        JsonNode pinned = JsonNode.Parse(File.ReadAllText(config))!;
        pinned["nodes"]![world.Name]!["tpm"]!["endorsementKey"] = "000b" + new string('0', 64);
        File.WriteAllText(config, pinned.ToJsonString());
        Assert.Equal("other-tpm", await Reason(tenant, world.Name, "--measurements", measurements));

        await OldAnswersAreNotBelieved(world);
    }

    [SkippableFact]
    [Trait("length", "long")]
    public async Task Under_Secure_Boot_the_proof_names_its_keys_and_another_mainboard_is_told_from_before()
    {
        SkipWithout();
        Skip.IfNot(File.Exists(Snakeoil + ".pem"), "ovmf's snakeoil keys are not installed");
        await using World world = await World.Make("attest-secure");
        string key = Path.Combine(world.Folder, "secure-boot.pem");
        using (RSA rsa = RSA.Create())
        {
            rsa.ImportFromEncryptedPem(File.ReadAllText(Snakeoil + ".key"), "snakeoil");
            WriteSecret(key, rsa.ExportPkcs8PrivateKeyPem());
        }
        string image = await Image(world, "sign", "--secure-boot-key", key, "--secure-boot-certificate", Snakeoil + ".pem");
        string measurements = Path.Combine(image, "zeroos.measurements.json");
        await world.BootUnseen(deadline: TimeSpan.FromSeconds(300), options: ["--efi", "--image", image, "--firmware", "secure", "--tpm"]);
        string proved = await world.Owner.Ok("node", "attest", world.Name, "--measurements", measurements,
            "--save", Path.Combine(world.Folder, "evidence.json"));
        output.WriteLine(proved);
        Assert.StartsWith("Proved: ", proved, StringComparison.Ordinal);
        Assert.Contains("secure boot  on; it starts what is signed under ", proved, StringComparison.Ordinal);
        Assert.Contains("Snakeoil", proved, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("tpm2 measured-boot secure-boot", await world.Owner.Ok("node", "info"), StringComparison.Ordinal);
        await world.Node.PowerOff();

        // Its identity lies open, so the disk is the same node on any board; the board is another all the same.
        await world.BootUnseen(fresh: false, deadline: TimeSpan.FromSeconds(300),
            options: ["--efi", "--image", image, "--firmware", "secure", "--tpm-state", Path.Combine(world.Folder, "another-tpm")]);
        Assert.Equal("other-tpm", await Reason(world.Owner, world.Name, "--measurements", measurements));
        Assert.StartsWith("Proved: ", await world.Owner.Ok("node", "attest", world.Name, "--measurements", measurements, "--new-tpm"),
            StringComparison.Ordinal);
        Assert.Contains("it is the TPM of the first attestation", await world.Owner.Ok("node", "attest", world.Name, "--measurements", measurements),
            StringComparison.Ordinal);
    }

    /// <summary>Somebody on the wire keeps an answer and plays it when the same question is asked again.</summary>
    private static async Task OldAnswersAreNotBelieved(World world)
    {
        using IdentityKey owner = KeyFile.Open(Path.Combine(world.Folder, "owner", "key"), () => "");
        Assert.True(KeyId.TryParse(world.NodeKey, out KeyId? node));
        using HttpTransport wire = new("127.0.0.1", world.Ports[8051], TimeSpan.FromSeconds(10));
        OldAnswers between = new(wire);
        BusClient client = new(owner, node, between, TimeProvider.System);
        NodeAttest question = new() { Quote = new QuoteRequest { Nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)), Pcrs = [4, 11, 12] } };
        Task<NodeAttestation> Ask() => client.CallAsync(Commands.NodeAttest, question, default);
        Assert.NotNull((await Ask()).Quote);
        between.Play = true;
        await Assert.ThrowsAsync<SpoofedReplyException>(Ask);
    }

    private static async Task<string> Reason(Zos person, string node, params string[] options)
    {
        CommandResult result = await person.Run(TimeSpan.FromMinutes(1), ["node", "attest", node, "--json", .. options]);
        Assert.True(result.ExitCode == 1, result.Output + result.Error);
        using JsonDocument report = JsonDocument.Parse(result.Output);
        return report.RootElement.GetProperty("reason").GetString()!;
    }

    private static string Changed(World world, string measurementsFile, string name, Action<JsonNode> change)
    {
        JsonNode measurements = JsonNode.Parse(File.ReadAllText(measurementsFile))!;
        change(measurements);
        string file = Path.Combine(world.Folder, $"{name}.json");
        File.WriteAllText(file, measurements.ToJsonString());
        return file;
    }

    /// <summary>A folder with the built image, signed by keys of the test's, as qemu/run takes it.</summary>
    private static async Task<string> Image(World world, string verb, params string[] options)
    {
        string folder = Directory.CreateDirectory(Path.Combine(world.Folder, "image")).FullName;
        await world.Owner.Ok(["image", verb, "--image", await BootableImage.File("zeroos.efi"), "-o", Path.Combine(folder, "zeroos.efi"), .. options]);
        return folder;
    }

    private static string WriteSecret(string path, string text)
    {
        using FileStream file = new(path,
            new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        file.Write(System.Text.Encoding.ASCII.GetBytes(text));
        return path;
    }

    /// <summary>Who made the node's TPM, from the root down.</summary>
    private static string Authorities(World world)
    {
        string ca = Checkout.Path("out", "nodes", world.Name, "tpm", "ca"), file = Path.Combine(world.Folder, "ek-ca.pem");
        File.WriteAllText(file, File.ReadAllText(Path.Combine(ca, "swtpm-localca-rootca-cert.pem")) + File.ReadAllText(Path.Combine(ca, "issuercert.pem")));
        return file;
    }

    private static string OtherAuthority(World world)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string file = Path.Combine(world.Folder, "other-ca.pem");
        File.WriteAllText(file, new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=somebody", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)).ExportCertificatePem());
        return file;
    }

    private static void SkipWithout()
    {
        Skip.IfNot(File.Exists("/usr/share/OVMF/OVMF_CODE_4M.fd"), "ovmf is not installed");
        Skip.IfNot(File.Exists("/usr/bin/swtpm_setup"), "swtpm-tools is not installed");
    }

    private sealed class OldAnswers(IBusTransport wire) : IBusTransport
    {
        private readonly List<byte[]> _last = [];

        public bool Play { get; set; }

        public async IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
        {
            if (Play)
            {
                foreach (byte[] line in _last)
                    yield return line;
                yield break;
            }
            _last.Clear();
            await foreach (ReadOnlyMemory<byte> line in wire.SendAsync(envelope, cancellation))
            {
                _last.Add(line.ToArray());
                yield return line;
            }
        }
    }
}
