namespace ZeroOS.Linux;

/// <summary>Namespaces a thread can leave for new ones (namespaces(7)); values are the CLONE_NEW flags.</summary>
[Flags]
public enum Namespaces
{
    None = 0, Mounts = 0x20000, Cgroup = 0x2000000, Names = 0x4000000, Ipc = 0x8000000, Network = 0x40000000,
}
