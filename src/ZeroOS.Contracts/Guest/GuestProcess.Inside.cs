namespace ZeroOS.Contracts.Guest;

/// <summary>What a deployment says about the rights of its program, and of programs that are run beside it.</summary>
public sealed partial record GuestProcess
{
    /// <summary>
    /// Docker's default set, bit n for capability n: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot,
    /// mknod, audit_write, setfcap.
    /// </summary>
    public const ulong DefaultCapabilities = (1UL << 0) | (1UL << 1) | (1UL << 3) | (1UL << 4) | (1UL << 5) | (1UL << 6) | (1UL << 7) | (1UL << 8)
        | (1UL << 10) | (1UL << 13) | (1UL << 18) | (1UL << 27) | (1UL << 29) | (1UL << 31);

    /// <summary>Groups beside the user's: a number, or a name by the image's /etc/group.</summary>
    public IReadOnlyList<string> Groups { get; set; } = [];

    /// <summary>What it may have unless it is privileged, bit n for capability n.</summary>
    public ulong Capabilities { get; set; } = DefaultCapabilities;

    /// <summary>Limits beside the usual ones.</summary>
    public IReadOnlyList<GuestLimit> Limits { get; set; } = [];

    /// <summary>zguest's own init is process 1 and starts it.</summary>
    public bool Init { get; init; }
}
