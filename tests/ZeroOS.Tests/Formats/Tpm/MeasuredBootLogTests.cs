using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

using ZeroOS.Formats.Tpm.EventLog;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Formats.Tpm;

public sealed class MeasuredBootLogTests
{
    private static readonly byte[] s_stub = SHA256.HashData("zeroos.efi"u8), s_linux = SHA256.HashData("vmlinuz"u8);

    [Fact]
    public void A_log_replays_to_the_values_that_extending_by_hand_gives()
    {
        byte[] separator = SHA256.HashData(new byte[4]);
        byte[] four = SHA256.HashData([.. SHA256.HashData([.. SHA256.HashData([.. new byte[32], .. separator]), .. s_stub]), .. s_linux]);
        byte[][] values = MeasuredBootLog.Read(Sample()).Replay();
        Assert.Equal(four, values[4]);
        Assert.Equal(new byte[32], values[13]);
        Assert.Equal(Enumerable.Repeat((byte)0xFF, 32), values[17]);
    }

    [Fact]
    public void The_startup_locality_is_what_PCR_0_starts_at()
    {
        byte[] start = new byte[32];
        start[31] = 3;
        MeasuredBootLog log = MeasuredBootLog.Read(new EventLogBuilder().Locality(3).Separators().ToBytes());
        Assert.Equal(SHA256.HashData([.. start, .. SHA256.HashData(new byte[4])]), log.Replay()[0]);
    }

    [Fact]
    public void A_startup_locality_after_the_first_measurement_is_not_believed() =>
        Assert.Equal(0, MeasuredBootLog.Read(new EventLogBuilder().Separators().Locality(3).ToBytes()).Locality);

    [Fact]
    public void Applications_are_told_by_their_digests_and_where_they_came_from() =>
        Assert.Equal([("\\EFI\\BOOT\\BOOTX64.EFI", Convert.ToHexStringLower(s_stub)), ("linux", Convert.ToHexStringLower(s_linux))],
            LoadedImage.Applications(MeasuredBootLog.Read(Sample())).Select(a => (a.Where, Convert.ToHexStringLower(a.Digest))));

    [Fact]
    public void A_variable_is_read_only_when_its_digest_is_that_of_its_data()
    {
        byte[] on = new EventLogBuilder().Variable(FirmwareVariable.Global, "SecureBoot", [1]).ToBytes();
        Assert.True(FirmwareVariable.TryRead(MeasuredBootLog.Read(on).Events[0], out FirmwareVariable? variable));
        Assert.Equal(("SecureBoot", FirmwareVariable.Global, 1), (variable.Name, variable.Vendor, variable.Content.Span[0]));

        on[^1] = 0; // the digest still says 1
        MeasuredBootLog lie = MeasuredBootLog.Read(on);
        Assert.False(FirmwareVariable.TryRead(lie.Events[0], out _));
    }

    [Fact]
    public void Certificates_of_db_come_out_of_its_signature_lists()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] certificate = new CertificateRequest("CN=farm one", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(90)).RawData;
        byte[] hashes = [.. new Guid("c1c41626-504c-4092-aca9-41f936934328").ToByteArray(), .. Words(28 + 48, 0, 48), .. new byte[48]];
        byte[] list = [.. new Guid("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").ToByteArray(), .. Words(28 + 16 + certificate.Length, 0, 16 + certificate.Length),
            .. new byte[16], .. certificate];
        FirmwareVariable db = new(FirmwareVariable.ImageSecurity, "db", (byte[])[.. hashes, .. list, 1, 2, 3]);
        Assert.Equal(certificate, Assert.Single(db.Certificates()).ToArray());
    }

    [Fact]
    public void A_log_without_SHA_256_is_read_and_gives_no_values_of_it()
    {
        MeasuredBootLog log = MeasuredBootLog.Read(new EventLogBuilder(sha256: false).Separators().ToBytes());
        Assert.False(log.Has(PcrBank.Sha256));
        Assert.Throws<EventLogException>(() => log.Replay());
        Assert.Equal(20, log.Replay(PcrBank.Sha1)[0].Length);
    }

    [Fact]
    public void A_log_past_the_bound_or_not_of_the_format_is_refused()
    {
        Assert.Throws<EventLogException>(() => MeasuredBootLog.Read(new byte[MeasuredBootLog.MaxBytes + 1]));
        Assert.Throws<EventLogException>(() => MeasuredBootLog.Read(default));
        Assert.Throws<EventLogException>(() => MeasuredBootLog.Read(new byte[200]));
        EventLogBuilder many = new();
        for (int i = 0; i <= MeasuredBootLog.MaxEvents; i++)
            many.Add(0, EventType.NoAction, default);
        Assert.Throws<EventLogException>(() => MeasuredBootLog.Read(many.ToBytes()));
    }

    [Fact]
    public void Ten_thousand_mutations_throw_nothing_but_the_log_s_own_exception()
    {
        byte[] good = Sample();
        for (int seed = 0; seed < 10_000; seed++)
        {
            Random random = new(seed);
            byte[] bad = good[..(random.Next(4) == 0 ? random.Next(good.Length) : good.Length)];
            for (int flips = random.Next(1, 5); flips > 0 && bad.Length > 0; flips--)
                bad[random.Next(bad.Length)] = random.Next(3) == 0 ? (byte)0xFF : (byte)random.Next(256);
            try
            {
                MeasuredBootLog log = MeasuredBootLog.Read(bad);
                Assert.InRange(log.Events.Count, 0, bad.Length / 12);
                ReadWhole(log);
            }
            catch (EventLogException)
            {
                // its own
            }
        }
    }

    [SkippableFact]
    public void Tpm2_eventlog_replays_to_the_same_values()
    {
        Skip.IfNot(File.Exists("/usr/bin/tpm2_eventlog"), "tpm2-tools is not installed");
        byte[] sample = Sample(locality: false); // tpm2-tools 5.4 extends PCR 0 with that note, which the profile says is not extended
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, sample);
            string said = ProgramRun.Of("tpm2_eventlog", file).Output;
            byte[][] ours = MeasuredBootLog.Read(sample).Replay();
            string sha256 = said[said.LastIndexOf("sha256:", StringComparison.Ordinal)..];
            MatchCollection values = Regex.Matches(sha256, @"^\s+(\d+)\s*: 0x([0-9a-f]{64})", RegexOptions.Multiline);
            Assert.Equal(10, values.Count);
            Assert.All(values, v => Assert.Equal(v.Groups[2].Value, Convert.ToHexStringLower(ours[int.Parse(v.Groups[1].ValueSpan)])));
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Reads whatever there is to read of a log; nothing of it may be an exception but the log's own.</summary>
    internal static void ReadWhole(MeasuredBootLog log)
    {
        if (log.Has(PcrBank.Sha256))
            log.Replay();
        LoadedImage.Applications(log);
        foreach (MeasuredEvent e in log.Events)
        {
            _ = e.Description;
            if (FirmwareVariable.TryRead(e, out FirmwareVariable? variable))
                variable.Certificates();
            new FirmwareVariable(Guid.Empty, "db", e.Data).Certificates();
        }
    }

    private static byte[] Words(params int[] words) => [.. words.SelectMany(BitConverter.GetBytes)];

    internal static byte[] Sample(bool locality = true) => (locality ? new EventLogBuilder().Locality(0) : new EventLogBuilder())
        .Add(0, EventType.CrtmVersion, "\0\0"u8)
        .Variable(FirmwareVariable.Global, "SecureBoot", [1])
        .Variable(FirmwareVariable.ImageSecurity, "db", new byte[60])
        .Separators()
        .Application(s_stub, "\\EFI\\BOOT\\BOOTX64.EFI")
        .Stub(11, ".linux\0"u8, ".linux")
        .Stub(12, "cpio"u8, "Credentials initrd")
        .Application(s_linux, "linux")
        .Add(5, EventType.EfiAction, "Exit Boot Services Invocation"u8)
        .ToBytes();
}
