namespace ZeroOS.Linux;

/// <summary>
/// A TPM behind the kernel's resource manager (/dev/tpmrm0): one write of a whole command, one read of its answer. What this opening loaded, the kernel flushes
/// when it closes.
/// </summary>
public sealed class TpmDevice : IDisposable
{
    private const int MaxAnswerBytes = 4096;    // TPM_BUFSIZE, drivers/char/tpm/tpm.h
    private readonly FileDescriptor _device;

    private TpmDevice(FileDescriptor device) => _device = device;

    /// <summary>Whether the kernel has found a TPM of version 2; one of version 1.2 has no such device.</summary>
    public static bool Exists(string path = Path) => File.Exists(path);

    /// <summary>The device of the first TPM.</summary>
    public const string Path = "/dev/tpmrm0";

    /// <summary>Opens the TPM at <paramref name="path"/>; null when there is none.</summary>
    /// <exception cref="LinuxException">It is there and cannot be opened.</exception>
    public static TpmDevice? TryOpen(string path = Path)
    {
        FileDescriptor? device = FileDescriptor.TryOpen(path, OpenFlags.ReadWrite, 0, out Errno errno);
        if (device is not null)
            return new TpmDevice(device);
        return errno is Errno.ENOENT or Errno.ENODEV or Errno.ENXIO ? null : throw new LinuxException(errno, "open", path);
    }

    /// <summary>
    /// Carries one command there and its answer back. The kernel waits for the TPM, seconds for a new key, and repeats what the TPM asks to repeat.
    /// </summary>
    /// <exception cref="LinuxException">The device failed, or took only part of the command.</exception>
    public byte[] Exchange(byte[] command)
    {
        Errno errno = _device.TryWrite(command, out int written);
        if (errno != Errno.None || written != command.Length)
            throw new LinuxException(errno != Errno.None ? errno : Errno.EIO, "write", Path);
        byte[] answer = new byte[MaxAnswerBytes];
        return answer[.._device.Read(answer)];
    }

    /// <inheritdoc/>
    public void Dispose() => _device.Dispose();
}
