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

    private readonly string _templates;
    private readonly IReadOnlyList<BlockDisk> _members;
    private int _nextIndex;

    private NodeStorage(FoundDisks found, IReadOnlyList<(BlockDisk? Block, StorageDisk Disk)> pool, IReadOnlyList<DiskStatus> disks, bool persistent,
        bool onTrial, string templates, ILog log)
    {
        (_templates, PoolId, _nextIndex) = (templates, found.Pool, (int)found.NextIndex + disks.Count);
        _members = [.. pool.Select(p => p.Block).OfType<BlockDisk>()];
        Pool = [.. pool.Select(p => p.Disk)];
        State = new StateMirror([.. Pool.Select(d => d.StateDirectory)], log);
        Disks = disks;
        Persistent = persistent;
        Names = WorkloadNames.Open(StateDirectory);
        Volumes = new VolumeFiles(Pool, Names, onTrial, new Lazy<SparseTemplate>(() => SparseTemplate.Load($"{templates}/ext4.img.zst")), log);
    }

    /// <summary>The mounted disks, those with the newest state first; the node works with the first one's. Never empty.</summary>
    public IReadOnlyList<StorageDisk> Pool { get; }

    /// <summary>Every disk of the computer and what it is.</summary>
    public IReadOnlyList<DiskStatus> Disks { get; }

    /// <summary>What is written survives a reboot.</summary>
    public bool Persistent { get; }

    /// <summary>Memory that the storage may take, in bytes: all of it without a disk, none with one.</summary>
    public long MemoryBytes => Persistent ? 0 : CapacityBytes;

    /// <summary>For the database.</summary>
    public string StateDirectory => State.Primary;

    /// <summary>The state on every disk of <see cref="Pool"/>.</summary>
    public StateMirror State { get; }

    /// <summary>For images.</summary>
    public string ImagesDirectory => Pool[0].Root + "/images";

    /// <summary>For workloads' output.</summary>
    public string LogsDirectory => Pool[0].Root + "/logs";

    /// <summary>Bytes of the whole pool.</summary>
    public long CapacityBytes => Pool.Sum(d => d.CapacityBytes);

    /// <summary>Bytes of the pool that can still be written.</summary>
    public long FreeBytes => Pool.Sum(d => d.FreeBytes);

    /// <summary>What workloads are called on this node.</summary>
    public WorkloadNames Names { get; }

    /// <summary>Guest disks as files.</summary>
    public IVolumes Volumes { get; }

    /// <summary>What its disks have in common, and no other node's have.</summary>
    internal Guid PoolId { get; }

    /// <summary>Whether the disk is one of <see cref="Pool"/>.</summary>
    internal bool Uses(BlockDisk disk) => _members.Any(m => m.Path == disk.Path && m.DiskId == disk.DiskId);

    /// <summary>The record of one more disk.</summary>
    internal ClaimRecord NextClaim() => new((uint)Interlocked.Increment(ref _nextIndex), Guid.NewGuid(), PoolId);

    /// <summary>The file system that a claimed disk gets.</summary>
    internal SparseTemplate DiskTemplate() => SparseTemplate.Load($"{_templates}/btrfs.img.zst");

    /// <summary>
    /// Opens the storage of this computer. Empty disks become ours if <paramref name="mayClaim"/> says so, which is asked once, with the disks that are ours
    /// already, the newest first. Safe to call again after a restart of the node: what is mounted stays mounted. Without a usable disk it takes up to
    /// <paramref name="memoryBytes"/> of memory. A version <paramref name="onTrial"/> leaves what is stored in the form that the version before reads.
    /// </summary>
    /// <exception cref="StorageException">None of the node's disks can be used, or the disks of two nodes are there.</exception>
    public static NodeStorage Open(Func<IReadOnlyList<StorageDisk>, bool> mayClaim, long memoryBytes, bool onTrial, ILog log)
    {
        NodeStorage storage = Open(BlockDisk.Find(), mayClaim, onTrial, log, MountBase, Templates, memory => MountMemory(memory, memoryBytes));
        DiskShares shares = new();
        foreach (DiskStatus disk in storage.Disks.Where(d => d.State == Name(DiskState.Ours)))
        {
            if (shares.Enable(disk.Name) is var errno && errno != Errno.None)
                log.Warn($"event=no-disk-shares disk={disk.Name} reason={errno}");
        }
        return storage;
    }

    /// <summary>
    /// As <see cref="Open(Func{IReadOnlyList{StorageDisk}, bool}, long, bool, ILog)"/>, of given disks, with mounts and templates at given places.
    /// </summary>
    internal static NodeStorage Open(IReadOnlyList<BlockDisk> disks, Func<IReadOnlyList<StorageDisk>, bool> mayClaim, bool onTrial, ILog log,
        string mountBase, string templates, Action<string> mountMemory)
    {
        string memory = mountBase + "/memory";
        // A predecessor of this boot runs guests from memory: they would lose their disks if the node moved to another storage now.
        bool staysInMemory = Directory.Exists(memory + "/volumes") && Directory.EnumerateDirectories(memory + "/volumes").Any();
        FoundDisks found = FoundDisks.Look(disks);
        DiskStatus[] statuses = new DiskStatus[found.All.Count];
        List<(uint Index, BlockDisk Block, StorageDisk Disk)> pool = [];
        uint next = found.NextIndex;
        bool? claims = staysInMemory ? false : null;
        // The node's own disks first: whose it is decides whether it takes others.
        foreach ((int at, (BlockDisk disk, DiskFinding finding)) in found.All.Index().OrderBy(f => IsFree(f.Item.Finding.State)))
        {
            (DiskState state, string reason, ClaimRecord record) = (finding.State, finding.Reason, finding.Record);
            if (IsFree(state))
                claims ??= MayClaim();
            try
            {
                if (claims is true && IsFree(state))
                {
                    record = state == DiskState.Claimed ? record : new ClaimRecord(next, Guid.NewGuid(), found.Pool);
                    DiskClaim.Make(disk, SparseTemplate.Load($"{templates}/btrfs.img.zst"), record);
                    next = Math.Max(next, record.Index + 1);
                    (state, reason) = (DiskState.Ours, "in use");
                    log.Info($"event=disk-claimed disk={disk.Name} size={disk.SizeBytes} filesystem={record.FileSystem}");
                }
                if (state == DiskState.Ours && staysInMemory)
                {
                    reason = "used from the next start of the computer on: machines run from memory";
                }
                else if (state == DiskState.Ours)
                {
                    StorageDisk mounted = StorageDisk.Mount(disk, $"{mountBase}/{record.FileSystem}");
                    pool.Add((record.Index, disk, mounted));
                    if (mounted.NoReserve is { } why)
                        log.Warn($"event=no-state-reserve disk={disk.Name} reason=\"{why}\"");
                }
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                (state, reason) = (DiskState.Broken, e.Message);
            }
            log.Info($"event=disk disk={disk.Name} size={disk.SizeBytes} state={Name(state)} reason=\"{reason}\"");
            statuses[at] = new DiskStatus
            {
                Name = disk.Name,
                Serial = disk.Serial,
                Model = disk.Model,
                SizeBytes = disk.SizeBytes,
                State = Name(state),
                Reason = reason,
                Remedy = state == finding.State ? finding.Remedy : null
            };
        }
        if (pool.Count > 0)
        {
            pool = [.. NewestFirst()];
            MoveFromMemory(memory, pool[0].Disk, log);
            return new NodeStorage(found, [.. pool.Select(p => ((BlockDisk?)p.Block, p.Disk))], statuses, persistent: true, onTrial, templates, log);
        }
        if (!staysInMemory)
            RefuseIfLost();
        log.Warn("event=no-storage everything is in memory and is lost with the power");
        Directory.CreateDirectory(memory);
        mountMemory(memory);
        return new NodeStorage(found, [(null, new StorageDisk(memory))], statuses, persistent: false, onTrial, templates, log);

        IEnumerable<(uint Index, BlockDisk Block, StorageDisk Disk)> NewestFirst() => StateMirror.NewestFirst(pool, p => (p.Disk.StateDirectory, p.Index));

        bool MayClaim()
        {
            if (pool.Count == 0)
                RefuseIfLost();
            return mayClaim([.. NewestFirst().Select(p => p.Disk)]);
        }

        // Without its disk the node would be another one, and would not say so. An empty disk beside it is not claimed either.
        void RefuseIfLost()
        {
            if (found.All.Index().FirstOrDefault(f => f.Item.Finding is { State: DiskState.Ours or DiskState.Broken } own && own.Record != default)
                is { Item.Disk: { } lost } at)
            {
                throw new StorageException(
                    $"the node's only disk, {lost.Name} {lost.Serial}, cannot be used: {statuses[at.Index].Reason}; "
                    + "repair it, or take it out and the node begins anew");
            }
        }
    }

    /// <summary>
    /// A node that ran from memory and has a disk now stays who it is, and keeps its grants; a move that one start did not end, the next one does.
    /// </summary>
    private static void MoveFromMemory(string memory, StorageDisk first, ILog log)
    {
        if (!Directory.Exists(memory + "/state"))
            return;
        if (!first.IsInUse)
        {
            StateMirror.Adopt(memory + "/state", first.StateDirectory);
            log.Info($"event=state-moved from memory to {first.Root}");
        }
        _ = Mounts.TryUnmount(memory, detach: true);
    }

    // A file system of its own: what tenants store must not fill /run, which the node itself lives from.
    private static void MountMemory(string target, long bytes)
    {
        if (!Mounts.List().Any(m => m.Target == target))
            Mounts.Mount("zeroos-memory", target, "tmpfs", MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec,
                string.Create(CultureInfo.InvariantCulture, $"mode=0700,size={bytes}"));
    }

    private static bool IsFree(DiskState state) => state is DiskState.Empty or DiskState.Claimed;

    internal static string Name(DiskState state) => state switch
    {
        DiskState.Empty or DiskState.Claimed => "empty",
        DiskState.Ours => "ours",
        DiskState.Foreign => "foreign",
        DiskState.Removable => "removable",
        _ => "broken",
    };
}
