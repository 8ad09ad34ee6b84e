namespace ZeroOS.Linux;

/// <summary>
/// The watchdogs of this computer (/dev/watchdog0, 1, …: the chipset's, a management controller's, the kernel's own timer) as one: unless fed, the first that
/// runs out restarts it. They stay armed when this object goes: only the magic close disarms, and nothing here sends it.
/// </summary>
public sealed class WatchdogDevice : IDisposable
{
    private const uint WDIOC_GETBOOTSTATUS = 0x80045702, WDIOC_SETTIMEOUT = 0xC0045706;
    private const int WDIOF_CARDRESET = 0x20, MaxDevices = 8;
    private readonly IReadOnlyList<FileDescriptor> _devices;

    private WatchdogDevice(IReadOnlyList<FileDescriptor> devices, int timeoutSeconds, bool causedBoot)
        => (_devices, TimeoutSeconds, CausedBoot) = (devices, timeoutSeconds, causedBoot);

    /// <summary>How many there are.</summary>
    public int Count => _devices.Count;

    /// <summary>Seconds without a meal until the restart, as the hardware rounded them; the shortest.</summary>
    public int TimeoutSeconds { get; }

    /// <summary>The last restart was the doing of one of them.</summary>
    public bool CausedBoot { get; }

    /// <summary>
    /// Opens and arms every watchdog whose name is <paramref name="path"/> and a number; null when there is none. One that the kernel armed at its own start is
    /// taken over by this.
    /// </summary>
    public static WatchdogDevice? TryArm(string path, int timeoutSeconds)
    {
        List<FileDescriptor> devices = [];
        int shortest = int.MaxValue;
        bool caused = false;
        for (int i = 0; i < MaxDevices; i++)
        {
            FileDescriptor? device = FileDescriptor.TryOpen($"{path}{i}", OpenFlags.WriteOnly, 0, out _);
            if (device is null)
                continue;
            int timeout = timeoutSeconds, status = 0;
            // Hardware with a fixed timeout refuses; it is fed often enough for any.
            _ = device.Ioctl(WDIOC_SETTIMEOUT, ref timeout);
            _ = device.Ioctl(WDIOC_GETBOOTSTATUS, ref status);
            devices.Add(device);
            shortest = Math.Min(shortest, timeout);
            caused |= (status & WDIOF_CARDRESET) != 0;
        }
        return devices.Count == 0 ? null : new WatchdogDevice(devices, shortest, caused);
    }

    /// <summary>Starts the time anew.</summary>
    public void Feed()
    {
        foreach (FileDescriptor device in _devices)
            _ = device.TryWrite([0], out _);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (FileDescriptor device in _devices)
            device.Dispose();
    }
}
