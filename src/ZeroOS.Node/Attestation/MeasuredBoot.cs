using ZeroOS.Formats.Tpm.EventLog;

namespace ZeroOS.Node.Attestation;

/// <summary>
/// What this boot left behind about itself: the firmware's event log, and whether Secure Boot was on. Both are the firmware's word, for display and to be
/// proved elsewhere.
/// </summary>
internal sealed record MeasuredBoot(string LogFile = "/sys/kernel/security/tpm0/binary_bios_measurements",
    string SecureBootFile = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
{
    private const int StubPcr = 11;

    /// <summary>The event log; null where the firmware kept none, or one past <see cref="MeasuredBootLog.MaxBytes"/>.</summary>
    public byte[]? ReadLog()
    {
        if (!File.Exists(LogFile))
            return null;
        // A file of the kernel's has no length: read until it ends, or until it is too much.
        byte[] buffer = new byte[MeasuredBootLog.MaxBytes + 1];
        using FileStream file = new(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        int length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        return length is 0 or > MeasuredBootLog.MaxBytes ? null : buffer[..length];
    }

    /// <summary>The variable that says so, as the kernel shows it: four bytes of attributes, one byte that is 1.</summary>
    public bool SecureBoot => File.Exists(SecureBootFile) && File.ReadAllBytes(SecureBootFile) is [_, _, _, _, 1];

    /// <summary>The EFI stub of our image measured it: the log says so and PCR 11 is what the log gives.</summary>
    public bool IsMeasured(ReadOnlySpan<byte> pcr11)
    {
        try
        {
            byte[]? log = ReadLog();
            return log is not null && pcr11.ContainsAnyExcept((byte)0) && MeasuredBootLog.Read(log).Replay()[StubPcr].AsSpan().SequenceEqual(pcr11);
        }
        catch (EventLogException)
        {
            return false;
        }
    }
}
