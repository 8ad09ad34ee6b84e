namespace ZeroOS.Linux;

/// <summary>The computer as a whole: its power, its caches, its randomness.</summary>
public static unsafe class Computer
{
    private const int RB_AUTOBOOT = 0x1234567, RB_POWER_OFF = 0x4321fedc;

    /// <summary>Restarts at once; call <see cref="Sync"/> before. Returns only if the kernel refuses.</summary>
    public static Errno Restart() => Libc.reboot(RB_AUTOBOOT) == 0 ? Errno.None : Libc.LastError;

    /// <summary>Switches off at once; call <see cref="Sync"/> before. Returns only if the kernel refuses.</summary>
    public static Errno PowerOff() => Libc.reboot(RB_POWER_OFF) == 0 ? Errno.None : Libc.LastError;

    /// <summary>Ctrl-Alt-Del sends SIGINT to PID 1 instead of restarting at once.</summary>
    public static Errno CtrlAltDelIsASignal() => Libc.reboot(0) == 0 ? Errno.None : Libc.LastError;

    /// <summary>Writes every dirty page of every file system to its disk.</summary>
    public static void Sync() => sync();

    /// <summary>Waits until the kernel's random numbers are good; true if it had to be waited for.</summary>
    public static bool WaitForRandomness()
    {
        const uint GRND_NONBLOCK = 1;
        byte one;
        if (Libc.getrandom(&one, 1, GRND_NONBLOCK) == 1)
            return false;
        while (Libc.getrandom(&one, 1, 0) != 1 && Libc.LastError == Errno.EINTR)
        {
        }
        return true;
    }
}
