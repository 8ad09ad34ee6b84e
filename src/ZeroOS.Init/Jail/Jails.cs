using ZeroOS.Contracts.Init;
using ZeroOS.Linux;

namespace ZeroOS.Init.Jail;

/// <summary>A program of PID 1's and its jail; the control group, the arguments and the descriptors are filled in at each start.</summary>
internal sealed record JailTemplate(string Program, string ArgumentZero, IReadOnlyList<string> FirstArguments, JailSpec Spec, bool OwnProcessIds,
    long MaxMemoryBytes, int MaxThreads)
{
    /// <summary>Its share of the processors when they are busy, against 100 of a machine with one processor.</summary>
    public int CpuWeight { get; init; } = OneProcessor;

    /// <summary>Its share of the disks when they are busy, against 100 of a machine.</summary>
    public int IoWeight { get; init; } = OneProcessor;

    /// <summary>Bytes of the largest file the node may ask for; null: it has no say.</summary>
    public long? MostFileBytes { get; init; }

    /// <summary>Processors the node may ask for; 0: it has no say.</summary>
    public int MostProcessors { get; init; }

    /// <summary>The weight of one processor, which is the kernel's own default.</summary>
    internal const int OneProcessor = 100;
}

/// <summary>The table of who may do what: every program PID 1 starts, and nothing that a message can widen.</summary>
internal static class Jails
{
    /// <summary>The first of the users handed out, one to each jailed process; nothing in the image belongs to any of them.</summary>
    internal const uint FirstUid = 100_000;

    /// <summary>The monitors' group: the only one that may make io_uring rings (sysctl kernel.io_uring_group).</summary>
    internal const uint MonitorGroup = 990;

    /// <summary>The group of everything that talks to registries: the firewall knows it by this number.</summary>
    internal const uint FetchGroup = 991;

    /// <summary>The group of what answers strangers: the firewall lets it answer on the bus's port and open no connection.</summary>
    internal const uint DoorGroup = 992;

    /// <summary>The door's own user; nothing belongs to it.</summary>
    internal const uint DoorUser = 992;

    private const long MiB = 1 << 20;

    // The collector reserves 256 GB of addresses unless it is told how much it will ever need.
    private const string SmallHeap = "DOTNET_GCHeapHardLimit=8000000";
    private const Namespaces All = Namespaces.Mounts | Namespaces.Cgroup | Namespaces.Names | Namespaces.Ipc | Namespaces.Network;

    /// <summary>What the node keeps of root's powers, each with its reason.</summary>
    internal static readonly CapabilitySet NodeCapabilities = new(
    [
        Capability.NetAdmin,       // interfaces, addresses, routes, nftables, taps
        Capability.NetRaw,         // DHCP and ARP on packet sockets, before there is an address
        Capability.NetBindService, // DHCP's port 68, and the bus on a port below 1024 if the farm wants it
        Capability.SysAdmin,       // mounts of its disks, btrfs ioctls, network namespaces of tenants
        Capability.SysTime,        // the clock, by SNTP
    ]);

    /// <summary>The node itself: root by number, with the capabilities above and none of the others, in the shared tree.</summary>
    internal static readonly JailTemplate Node = new("/init", "zeroos", ["node"], new JailSpec
    {
        Capabilities = NodeCapabilities,
        OpenFiles = 65536,
        OutOfMemoryScore = -900,
        Environment = ["HOME=/run/node", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "DOTNET_GCHeapHardLimit=20000000"],
        Arguments = [],
    }, OwnProcessIds: false, MaxMemoryBytes: 0, MaxThreads: 512)
    { CpuWeight = 1000, IoWeight = 1000 };

    private static readonly JailTemplate s_monitor = new("/zvmm", "zvmm", [], new JailSpec
    {
        Unshare = All,
        Root = JailRoot.Empty,
        Gid = MonitorGroup,
        LockedMemory = 64 * MiB,
        OutOfMemoryScore = 300,
        Environment = ["DOTNET_GCHeapHardLimit=4000000"],
        Arguments = [],
    }, OwnProcessIds: true, MaxMemoryBytes: 1L << 46, MaxThreads: 64)
    { MostFileBytes = 16L << 40, MostProcessors = 8 };

    private static readonly JailTemplate s_fetch = new("/init", "zeroos", ["fetch"], new JailSpec
    {
        Unshare = All & ~Namespaces.Network,
        Root = JailRoot.Network,
        Gid = FetchGroup,
        FileBytes = 0,
        OutOfMemoryScore = 600,
        Environment = ["HOME=/", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", SmallHeap],
        Arguments = [],
    }, OwnProcessIds: true, MaxMemoryBytes: 512 * MiB, MaxThreads: 64)
    { CpuWeight = 50, IoWeight = 50 };

    private static readonly JailTemplate s_convert = s_fetch with
    {
        FirstArguments = ["fetch", "--convert"],
        Spec = s_fetch.Spec with { Unshare = All, Root = JailRoot.Empty, Environment = ["HOME=/", SmallHeap] },
    };

    /// <summary>
    /// The door: the host's network, because it answers there, and nothing else. 2,560 connections and 15 MiB of bodies fit its memory. When the processors are
    /// busy it goes before guests, or a guest that computes would keep the owner out; what strangers may cost is a matter of its rates.
    /// </summary>
    internal static readonly JailTemplate Door = new("/init", "zeroos", ["door"], new JailSpec
    {
        Unshare = All & ~Namespaces.Network,
        Root = JailRoot.Empty,
        Gid = DoorGroup,
        OpenFiles = 4096,
        FileBytes = MiB, // an envelope that does not fit a message
        OutOfMemoryScore = 500,
        Environment = ["HOME=/", SmallHeap],
        Arguments = [],
    }, OwnProcessIds: true, MaxMemoryBytes: 256 * MiB, MaxThreads: 64)
    { CpuWeight = 500, IoWeight = 50 };

    /// <summary>The jail of a program the node may ask for.</summary>
    internal static JailTemplate Of(JailedProgram program) => program switch
    {
        JailedProgram.Monitor => s_monitor,
        JailedProgram.Fetch => s_fetch,
        _ => s_convert,
    };
}
