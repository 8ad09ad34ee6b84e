using ZeroOS.Formats.Tpm.EventLog;
using ZeroOS.Node.Attestation;
using ZeroOS.Tests.Formats.Tpm;

namespace ZeroOS.Tests.Node.Attestation;

public sealed class MeasuredBootTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("zeroos-measured-").FullName;
    private readonly MeasuredBoot _boot;

    public MeasuredBootTests() => _boot = new MeasuredBoot(Path.Combine(_folder, "log"), Path.Combine(_folder, "SecureBoot"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_computer_that_left_nothing_has_no_log_and_no_Secure_Boot()
    {
        Assert.Null(_boot.ReadLog());
        Assert.False(_boot.SecureBoot);
        Assert.False(_boot.IsMeasured(Enumerable.Repeat((byte)1, 32).ToArray()));
    }

    [Fact]
    public void A_log_past_the_bound_is_none()
    {
        File.WriteAllBytes(_boot.LogFile, new byte[MeasuredBootLog.MaxBytes]);
        Assert.Equal(MeasuredBootLog.MaxBytes, _boot.ReadLog()!.Length);
        File.WriteAllBytes(_boot.LogFile, new byte[MeasuredBootLog.MaxBytes + 1]);
        Assert.Null(_boot.ReadLog());
    }

    [Fact]
    public void A_boot_is_measured_when_the_log_gives_the_PCR_of_the_stub()
    {
        byte[] log = new EventLogBuilder().Separators().Stub(11, "section"u8, ".linux").ToBytes();
        File.WriteAllBytes(_boot.LogFile, log);
        byte[] pcr = MeasuredBootLog.Read(log).Replay()[11];
        Assert.True(_boot.IsMeasured(pcr));
        pcr[0] ^= 1;
        Assert.False(_boot.IsMeasured(pcr));

        File.WriteAllBytes(_boot.LogFile, new EventLogBuilder().Separators().ToBytes()); // a firmware that measures, an image that was not started by its stub
        Assert.False(_boot.IsMeasured(new byte[32]));
        File.WriteAllBytes(_boot.LogFile, "no log"u8.ToArray());
        Assert.False(_boot.IsMeasured(pcr));
    }

    [Theory]
    [InlineData(new byte[] { 6, 0, 0, 0, 1 }, true)]
    [InlineData(new byte[] { 6, 0, 0, 0, 0 }, false)]
    [InlineData(new byte[] { 6, 0, 0, 0 }, false)]
    [InlineData(new byte[] { 1 }, false)]
    public void Secure_Boot_is_the_byte_behind_the_variable_s_attributes(byte[] file, bool on)
    {
        File.WriteAllBytes(_boot.SecureBootFile, file);
        Assert.Equal(on, _boot.SecureBoot);
    }
}
