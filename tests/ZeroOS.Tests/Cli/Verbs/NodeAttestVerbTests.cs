using System.Text.Json;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Node.Attestation;
using ZeroOS.Tests.Formats.Tpm;
using ZeroOS.Tests.Node.Attestation;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos node attest as a person types it, over a real bus, with a real swtpm behind it.</summary>
[Collection("zos")]
public sealed class NodeAttestVerbTests
{
    [SkippableFact]
    public async Task A_node_is_proved_its_TPM_remembered_and_another_one_refused()
    {
        AttestationBench? node = null;
        await using ZosBench zos = await ZosBench.StartAsync(z => z.Bus.Routes.Add(Commands.NodeAttest, Roles.OwnerOrTenant,
            (context, body, cancellation) => node!.Attestor.AnswerAsync(context, body, cancellation)));
        await zos.SettleAsync();
        string measurements = zos.Write("measurements.json", JsonSerializer.Serialize(AttestationBench.Image, ReleaseJson.Default.Measurements));
        string first, second;
        using (node = new AttestationBench(SoftwareTpm.Start(), identity: zos.Node) { SealingKey = zos.Bus.SealingKey })
        {
            string said = await zos.Ok("node", "attest", "n1", "--measurements", measurements);
            Assert.StartsWith("Proved: the node runs ZeroOS 1.2.3 and nothing else", said, StringComparison.Ordinal);
            Assert.Contains("seen for the first time", said, StringComparison.Ordinal);
            first = EndorsementKey(zos);

            Assert.Contains("it is the TPM of the first attestation", await zos.Ok("node", "attest", "n1", "--measurements", measurements),
                StringComparison.Ordinal);
            string farm = Path.Combine(zos.Folder, "there.cred");
            File.WriteAllBytes(farm, node.Farm);
            using JsonDocument report = JsonDocument.Parse(await zos.Ok("node", "attest", "n1", "--measurements", measurements, "--farm", farm, "--json"));
            Assert.True(report.RootElement.GetProperty("proved").GetBoolean());
            Assert.Equal("holds", report.RootElement.GetProperty("findings")[0].GetProperty("verdict").GetString());

            (int code, string output, _) = await zos.Run("node", "attest", "n1");
            Assert.Equal(1, code);
            Assert.StartsWith("Not proved: no-measurements: ", output, StringComparison.Ordinal);
            await zos.Fails(2, "node", "attest", "n1", "--measurements", "nowhere");
            await zos.Fails(2, "node", "attest", "n1", "--accept", "zz");

            // Another address of the same node, and its TPM is still known.
            await zos.Ok("node", "add", "n1", $"{zos.Node.Id}@localhost:{zos.Port}");
            Assert.Equal(first, EndorsementKey(zos));
        }
        using (node = new AttestationBench(SoftwareTpm.Start(), identity: zos.Node) { SealingKey = zos.Bus.SealingKey })
        {
            (int code, string output, _) = await zos.Run("node", "attest", "n1", "--measurements", measurements);
            Assert.Equal(1, code);
            Assert.StartsWith("Not proved: other-tpm: ", output, StringComparison.Ordinal);
            Assert.Contains(first, output, StringComparison.Ordinal);
            Assert.Equal(first, EndorsementKey(zos));

            await zos.Ok("node", "attest", "n1", "--measurements", measurements, "--new-tpm");
            second = EndorsementKey(zos);
            Assert.NotEqual(first, second);
            await zos.Ok("node", "attest", "n1", "--measurements", measurements);

            node.Boot(node.Log(driver: l => l.Add(2, ZeroOS.Formats.Tpm.EventLog.EventType.EfiBootServicesDriver, "a card"u8)));
            (code, output, _) = await zos.Run("node", "attest", "n1", "--measurements", measurements);
            Assert.Equal(1, code);
            Assert.StartsWith("Not proved: firmware-changed: ", output, StringComparison.Ordinal);
            Assert.Contains("one driver from a card", await zos.Ok("node", "attest", "n1", "--measurements", measurements, "--new-firmware"),
                StringComparison.Ordinal);
            await zos.Ok("node", "attest", "n1", "--measurements", measurements);
        }
    }

    [Fact]
    public async Task A_node_without_a_TPM_is_not_proved_and_says_why()
    {
        Attestor? attestor = null;
        await using ZosBench zos = await ZosBench.StartAsync(z =>
        {
            attestor = new Attestor(null, new AttestorFacts
            {
                Node = z.Node.Id,
                IdentitySealed = () => false,
                SealingKey = () => z.Bus.SealingKey,
                Settings = () => null
            }, LineLog.Quiet);
            z.Bus.Routes.Add(Commands.NodeAttest, Roles.OwnerOrTenant, attestor.AnswerAsync);
        });
        await zos.SettleAsync();
        (int code, string output, string error) = await zos.Run("node", "attest", "n1");
        Assert.Equal((1, ""), (code, error));
        Assert.StartsWith("Not proved: no-tpm: this node has no TPM 2", output, StringComparison.Ordinal);
        using JsonDocument report = JsonDocument.Parse((await zos.Run("node", "attest", "n1", "--json")).Out);
        Assert.Equal("no-tpm", report.RootElement.GetProperty("reason").GetString());
        attestor!.Dispose();
    }

    private static string EndorsementKey(ZosBench zos)
    {
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(zos.Folder, "config.json")));
        return config.RootElement.GetProperty("nodes").GetProperty("n1").GetProperty("tpm").GetProperty("endorsementKey").GetString()!;
    }
}
