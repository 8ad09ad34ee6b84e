namespace ZeroOS.Linux;

/// <summary>Flags of mount(2).</summary>
[Flags]
public enum MountFlags
{
    None = 0, ReadOnly = 1, NoSuid = 2, NoDev = 4, NoExec = 8, Remount = 0x20, NoAtime = 0x400, Bind = 0x1000, Move = 0x2000, Recursive = 0x4000,
    Private = 0x40000, RelativeAtime = 0x200000,
}
