using System.Globalization;

using ZeroOS.Contracts.Bus;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Storage;

/// <summary>
/// The node's disks: found, claimed if empty and allowed, mounted; one btrfs each. Without a usable disk everything lies in memory and
/// <see cref="Persistent"/> says so. Disks that are not ours are listed with the reason and never written to.
/// </summary>
public sealed class NodeStorage
{
    private const string MountBase = "/run/zeroos/disks", Templates = "/templates";

    private NodeStorage(IReadOnlyList<StorageDisk> pool, IReadOnlyList<DiskStatus> disks, bool persistent, string templates)
    {
        Pool = pool;
        Disks = disks;
        Persistent = persistent;
        Volumes = new VolumeFiles(pool, new Lazy<SparseTemplate>(() => SparseTemplate.Load($"{templates}/ext4.img.zst")));
    }

    /// <summary>The mounted disks; the first holds the state. Never empty.</summary>
    public IReadOnlyList<StorageDisk> Pool { get; }

    /// <summary>Every disk of the computer and what it is.</summary>
    public IReadOnlyList<DiskStatus> Disks { get; }

    /// <summary>What is written survives a reboot.</summary>
    public bool Persistent { get; }

    /// <summary>Memory that the storage may take, in bytes: all of it without a disk, none with one.</summary>
    public long MemoryBytes => Persistent ? 0 : CapacityBytes;

    /// <summary>For the database.</summary>
    public string StateDirectory => Pool[0].Root + "/state";

    /// <summary>For images.</summary>
    public string ImagesDirectory => Pool[0].Root + "/images";

    /// <summary>For workloads' output.</summary>
    public string LogsDirectory => Pool[0].Root + "/logs";

    /// <summary>Bytes of the whole pool.</summary>
    public long CapacityBytes => Pool.Sum(d => d.CapacityBytes);

    /// <summary>Bytes of the pool that can still be written.</summary>
    public long FreeBytes => Pool.Sum(d => d.FreeBytes);

    /// <summary>Guest disks as files.</summary>
    public IVolumes Volumes { get; }

    /// <summary>
    /// Opens the storage of this computer. <paramref name="mayClaim"/>: empty disks become ours (there are farm settings). Safe to call again after a restart of
    /// the node: what is mounted stays mounted. Without a usable disk it takes up to <paramref name="memoryBytes"/> of memory.
    /// </summary>
    public static NodeStorage Open(bool mayClaim, long memoryBytes, ILog log) =>
        Open(BlockDisk.Find(), mayClaim, log, MountBase, Templates, memory => MountMemory(memory, memoryBytes));

    /// <summary>As <see cref="Open(bool, long, Action{string})"/>, of given disks, with mounts and templates at given places.</summary>
    internal static NodeStorage Open(IReadOnlyList<BlockDisk> disks, bool mayClaim, ILog log, string mountBase, string templates, Action<string> mountMemory)
    {
        List<DiskStatus> statuses = [];
        List<(uint Index, StorageDisk Disk)> pool = [];
        List<(BlockDisk Disk, DiskState State, string Reason, ClaimRecord Record)> found =
            [.. disks.Select(d => DiskProbe.Classify(d) is var (state, reason, record) ? (d, state, reason, record) : default)];
        uint next = found.Where(f => f.State is DiskState.Ours or DiskState.Claimed or DiskState.Broken).Select(f => f.Record.Index + 1).DefaultIfEmpty(0u).Max();
        foreach ((BlockDisk disk, DiskState foundState, string foundReason, ClaimRecord foundRecord) in found)
        {
            (DiskState state, string reason, ClaimRecord record, bool fresh) = (foundState, foundReason, foundRecord, false);
            try
            {
                if (mayClaim && state is DiskState.Empty or DiskState.Claimed)
                {
                    record = DiskClaim.Make(disk, SparseTemplate.Load($"{templates}/btrfs.img.zst"), next, state == DiskState.Claimed ? record : null);
                    next = Math.Max(next, record.Index + 1);
                    (state, reason, fresh) = (DiskState.Ours, "in use", true);
                    log.Info($"event=disk-claimed disk={disk.Name} size={disk.SizeBytes} filesystem={record.FileSystem}");
                }
                if (state == DiskState.Ours)
                {
                    StorageDisk mounted = StorageDisk.Mount(disk, $"{mountBase}/{record.FileSystem}", fresh);
                    pool.Add((record.Index, mounted));
                    if (mounted.NoReserve is { } why)
                        log.Warn($"event=no-state-reserve disk={disk.Name} reason=\"{why}\"");
                }
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                (state, reason) = (DiskState.Broken, e.Message);
            }
            log.Info($"event=disk disk={disk.Name} size={disk.SizeBytes} state={Name(state)} reason=\"{reason}\"");
            statuses.Add(new DiskStatus { Name = disk.Name, Serial = disk.Serial, SizeBytes = disk.SizeBytes, State = Name(state), Reason = reason });
        }
        if (pool.Count > 0)
            return new NodeStorage([.. pool.OrderBy(p => p.Index).Select(p => p.Disk)], statuses, persistent: true, templates);
        log.Warn("event=no-storage everything is in memory and is lost with the power");
        string memory = mountBase + "/memory";
        Directory.CreateDirectory(memory);
        mountMemory(memory);
        return new NodeStorage([new StorageDisk(memory, isFresh: true)], statuses, persistent: false, templates);
    }

    // A file system of its own: what tenants store must not fill /run, which the node itself lives from.
    private static void MountMemory(string target, long bytes)
    {
        if (!Mounts.List().Any(m => m.Target == target))
            Mounts.Mount("zeroos-memory", target, "tmpfs", MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec, string.Create(CultureInfo.InvariantCulture, $"mode=0700,size={bytes}"));
    }

    private static string Name(DiskState state) => state switch
    {
        DiskState.Empty or DiskState.Claimed => "empty",
        DiskState.Ours => "ours",
        DiskState.Foreign => "foreign",
        DiskState.Removable => "removable",
        _ => "broken",
    };
}
