namespace ZeroOS.Linux;

/// <summary>A hardware watchdog (/dev/watchdog): restarts the machine unless fed. It stays armed when this object goes: only the magic close disarms, and nothing here sends it.</summary>
public sealed class WatchdogDevice : IDisposable
{
    private const uint WDIOC_GETBOOTSTATUS = 0x80045702, WDIOC_SETTIMEOUT = 0xC0045706;
    private const int WDIOF_CARDRESET = 0x20;
    private readonly FileDescriptor _device;

    private WatchdogDevice(FileDescriptor device, int timeoutSeconds, bool causedBoot)
        => (_device, TimeoutSeconds, CausedBoot) = (device, timeoutSeconds, causedBoot);

    /// <summary>Seconds without a meal until the restart, as the hardware rounded them.</summary>
    public int TimeoutSeconds { get; }

    /// <summary>The last restart was the watchdog's doing.</summary>
    public bool CausedBoot { get; }

    /// <summary>Opens and arms the watchdog at <paramref name="path"/>; null when there is none.</summary>
    public static WatchdogDevice? TryArm(string path, int timeoutSeconds)
    {
        FileDescriptor? device = FileDescriptor.TryOpen(path, OpenFlags.WriteOnly, 0, out _);
        if (device is null)
            return null;
        int timeout = timeoutSeconds, status = 0;
        // Hardware with a fixed timeout refuses; it is fed often enough for any.
        _ = device.Ioctl(WDIOC_SETTIMEOUT, ref timeout);
        _ = device.Ioctl(WDIOC_GETBOOTSTATUS, ref status);
        return new WatchdogDevice(device, timeout, (status & WDIOF_CARDRESET) != 0);
    }

    /// <summary>Starts the time anew.</summary>
    public void Feed() => _ = _device.TryWrite([0], out _);

    /// <inheritdoc/>
    public void Dispose() => _device.Dispose();
}
