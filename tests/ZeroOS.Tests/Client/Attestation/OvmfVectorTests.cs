using System.Text.RegularExpressions;

using ZeroOS.Client.Attestation;
using ZeroOS.Formats.Tpm.EventLog;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Client.Attestation;

/// <summary>What a node on OVMF with systemd-stub 252 once answered: the real firmware's log, the real stub's measurements.</summary>
public sealed class OvmfVectorTests
{
    private static readonly AttestationVector s_node = AttestationVector.Load("ovmf");

    private static byte[] Log => Convert.FromBase64String(s_node.Evidence.Quote.EventLog);

    [Fact]
    public void The_node_is_proved()
    {
        AttestationReport report = AttestationVerifier.Verify(s_node.Evidence, s_node.Expected);
        Assert.True(report.Proved, report.Sentence);
        Assert.Contains("the settings of farm \"attest\"", report.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Under_Secure_Boot_the_proof_names_whose_files_the_firmware_starts()
    {
        AttestationVector secure = AttestationVector.Load("ovmf-secure");
        AttestationReport report = AttestationVerifier.Verify(secure.Evidence, secure.Expected);
        Assert.True(report.Proved, report.Sentence);
        Assert.Equal("on; it starts what is signed under \"O=SnakeOil, L=Fort Collins, S=Colorado, C=US\"",
            report.Findings.Single(f => f.Check == "secure boot").Says);
    }

    [Fact]
    public void The_log_names_what_was_started_and_what_the_stub_measured()
    {
        MeasuredBootLog log = MeasuredBootLog.Read(Log);
        Assert.Equal([s_node.Measurements.Efi.Authenticode, s_node.Measurements.Linux.Authenticode],
            LoadedImage.Applications(log).Select(a => Convert.ToHexStringLower(a.Digest)));
        Assert.Equal(["Credentials initrd"], log.Events.Where(e => e.Pcr == 12).Select(e => e.Description));
        Assert.Equal(s_node.Measurements.Pcr11, Convert.ToHexStringLower(log.Replay()[11]));
        Assert.Contains(log.Events, e => FirmwareVariable.TryRead(e, out FirmwareVariable? variable) && variable is { Name: "SecureBoot", Content.Span: [0] });
    }

    [SkippableFact]
    public void Tpm2_eventlog_replays_the_log_to_the_same_values()
    {
        Skip.IfNot(File.Exists("/usr/bin/tpm2_eventlog"), "tpm2-tools is not installed");
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, Log);
            string said = ProgramRun.Of("tpm2_eventlog", file).Output;
            byte[][] ours = MeasuredBootLog.Read(Log).Replay();
            MatchCollection values = Regex.Matches(said[said.LastIndexOf("sha256:", StringComparison.Ordinal)..],
                @"^\s+(\d+)\s*: 0x([0-9a-f]{64})", RegexOptions.Multiline);
            Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 12], values.Select(v => int.Parse(v.Groups[1].ValueSpan)));
            Assert.All(values, v => Assert.Equal(v.Groups[2].Value, Convert.ToHexStringLower(ours[int.Parse(v.Groups[1].ValueSpan)])));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
