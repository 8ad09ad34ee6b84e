using System.Runtime.InteropServices;
using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>
/// The node's own room on a btrfs that it shares with its tenants. The state directory is a subvolume; everything else, which is the top-level subvolume,
/// has a limit below the size of the file system. The kernel holds the limit whoever writes: the node, or a monitor into a guest's disk (btrfs-qgroup(8)).
/// </summary>
internal static class StateReserve
{
    // uapi/linux/btrfs.h: _IOW(0x94, 14, struct btrfs_ioctl_vol_args), _IOWR(0x94, 40, struct btrfs_ioctl_quota_ctl_args),
    // _IOR(0x94, 43, struct btrfs_ioctl_qgroup_limit_args)
    private const nuint BTRFS_IOC_SUBVOL_CREATE = 0x5000940E, BTRFS_IOC_QUOTA_CTL = 0xC0109428, BTRFS_IOC_QGROUP_LIMIT = 0x8030942B;
    private const ulong BTRFS_QUOTA_CTL_ENABLE = 1, BTRFS_QGROUP_LIMIT_MAX_RFER = 1, BTRFS_FS_TREE_OBJECTID = 5, BTRFS_FIRST_FREE_OBJECTID = 256;
    private const int VolArgsBytes = 4096, VolArgsName = 8;
    private const string State = "state";

    /// <summary>
    /// Bytes that only the node's state and the file system's own structures may take: a thirty-second, at least 256 MiB, as admission promises.
    /// </summary>
    public static long Of(long capacityBytes) => Math.Max(256L << 20, capacityBytes / 32);

    /// <summary>
    /// Makes the state of a mounted btrfs a subvolume, if there is none yet, and limits the rest. Null, or why there is no reserve: the disk was claimed by
    /// a node that had none, or the kernel refused. Safe to call again.
    /// </summary>
    public static string? TryHold(FileDescriptor root, string path, long capacityBytes)
    {
        string state = $"{path}/{State}";
        if (FileEntry.TryStatus(state) is not { } there)
        {
            byte[] arguments = new byte[VolArgsBytes];
            Encoding.ASCII.GetBytes(State, arguments.AsSpan(VolArgsName));
            if (root.Ioctl(BTRFS_IOC_SUBVOL_CREATE, arguments) is var made && made < 0)
                return $"the state's subvolume cannot be made: {(Errno)(-made)}";
            FileEntry.SetMode(state, Mode.OwnerFolder);
        }
        else if (there.Number != BTRFS_FIRST_FREE_OBJECTID)
        {
            return "the disk was claimed before there was a reserve";
        }
        btrfs_ioctl_quota_ctl_args enable = new() { cmd = BTRFS_QUOTA_CTL_ENABLE };
        if (root.Ioctl(BTRFS_IOC_QUOTA_CTL, ref enable) is var enabled && enabled < 0)
            return $"quotas cannot be enabled: {(Errno)(-enabled)}";
        btrfs_ioctl_qgroup_limit_args limit = new()
        {
            qgroupid = BTRFS_FS_TREE_OBJECTID,
            flags = BTRFS_QGROUP_LIMIT_MAX_RFER,
            max_rfer = (ulong)Math.Max(0, capacityBytes - Of(capacityBytes)),
        };
        return root.Ioctl(BTRFS_IOC_QGROUP_LIMIT, ref limit) is var limited && limited < 0 ? $"the limit is refused: {(Errno)(-limited)}" : null;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct btrfs_ioctl_quota_ctl_args
    {
        internal ulong cmd;
        internal ulong status;
    }

    /// <summary>With struct btrfs_qgroup_limit inside.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct btrfs_ioctl_qgroup_limit_args
    {
        internal ulong qgroupid;
        internal ulong flags;
        internal ulong max_rfer;
        internal ulong max_excl;
        internal ulong rsv_rfer;
        internal ulong rsv_excl;
    }
}
