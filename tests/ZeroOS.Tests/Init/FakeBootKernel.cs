using ZeroOS.Init;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Init;

/// <summary>A kernel that writes down what it is asked, and refuses what a test wants refused.</summary>
internal sealed class FakeBootKernel : IBootKernel
{
    public List<string> Calls { get; } = [];

    public List<MountPoint> Mounts { get; } = [];

    public Dictionary<string, string> Files { get; } = new(StringComparer.Ordinal);

    public HashSet<string> There { get; } = ["/etc/ssl/certs", "/dev/kvm", "/dev/net/tun"];

    public Dictionary<string, Errno> Refuse { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<MountPoint> Mounted() => Mounts;

    public Errno Mount(string source, string target, string type, MountFlags flags, string options)
    {
        Calls.Add($"mount {source} {target} {type} {flags}".Replace("  ", " ", StringComparison.Ordinal));
        if (Refuse.TryGetValue(target, out Errno errno))
            return errno;
        Mounts.Add(new MountPoint(source, target, type, options));
        return Errno.None;
    }

    public void MakeDirectory(string path, int mode) => Calls.Add($"mkdir {path}");

    public Errno Write(string path, string text)
    {
        Calls.Add($"write {path} {text}");
        return Refuse.GetValueOrDefault(path);
    }

    public void MakeFile(string path, string text) => Calls.Add($"file {path}");

    public string? Read(string path) => Files.GetValueOrDefault(path);

    public bool Exists(string path) => There.Contains(path);

    public long RootBytes() => 1000;

    public void MoveRootFiles(string newRoot) => Calls.Add($"move files {newRoot}");

    public void MoveOverRoot(string newRoot) => Calls.Add($"move over root {newRoot}");

    public void ReExecute()
    {
        Calls.Add("exec /init");
        throw new LinuxException(Errno.ENOENT, "execve", "/init");
    }

    public void OpenLog(KernelLog log) => Calls.Add("log");

    public BootScreen? OpenScreen()
    {
        Calls.Add("screen");
        return null;
    }

    public WatchdogDevice? ArmWatchdog(int timeoutSeconds)
    {
        Calls.Add("watchdog");
        return null;
    }

    public void GatherRandomness() => Calls.Add("randomness");

    public void LoopbackUp()
    {
        Calls.Add("loopback");
        if (Refuse.TryGetValue("lo", out Errno errno))
            throw new LinuxException(errno, "ioctl", "lo");
    }

    public Errno TameCtrlAltDel() => Refuse.GetValueOrDefault("ctrl-alt-del");

    public void LimitOpenFiles(ulong limit) => Calls.Add("limit");
}
