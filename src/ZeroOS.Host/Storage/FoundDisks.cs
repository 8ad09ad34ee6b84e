namespace ZeroOS.Host.Storage;

/// <summary>The disks of a computer, and which of them are this node's: those of one pool. A disk of another pool is another node's, and foreign.</summary>
internal sealed class FoundDisks
{
    private FoundDisks(Guid pool, IReadOnlyList<(BlockDisk Disk, DiskFinding Finding)> all) => (Pool, All) = (pool, all);

    /// <summary>The node's pool; a new one if no disk is of any.</summary>
    public Guid Pool { get; }

    /// <summary>Every disk.</summary>
    public IReadOnlyList<(BlockDisk Disk, DiskFinding Finding)> All { get; }

    /// <summary>The index of the next disk that is claimed.</summary>
    public uint NextIndex => All.Where(d => IsOfPool(d.Finding, Pool)).Select(d => d.Finding.Record.Index + 1).DefaultIfEmpty(0u).Max();

    /// <summary>Looks at every disk.</summary>
    /// <exception cref="StorageException">There are disks of several nodes and none has more than another.</exception>
    public static FoundDisks Look(IReadOnlyList<BlockDisk> disks)
    {
        List<(BlockDisk Disk, DiskFinding Finding)> all = [.. disks.Select(d => (d, DiskProbe.Classify(d)))];
        Guid pool = Choose(all);
        HashSet<Guid> fileSystems = [];
        return new FoundDisks(pool, [.. all.Select(d => (d.Disk, Sort(d.Finding, pool, fileSystems)))]);
    }

    /// <summary>What a disk is to a node of that pool.</summary>
    internal static DiskFinding Of(DiskFinding finding, Guid pool) =>
        finding.State is DiskState.Ours or DiskState.Claimed or DiskState.Broken && finding.Record != default && finding.Record.Pool != pool
        ? new DiskFinding(DiskState.Foreign, "is a disk of another ZeroOS node") { Record = finding.Record, CanBeWiped = true } : finding;

    private static DiskFinding Sort(DiskFinding finding, Guid pool, HashSet<Guid> fileSystems)
    {
        DiskFinding sorted = Of(finding, pool);
        return sorted.State != DiskState.Ours || fileSystems.Add(sorted.Record.FileSystem) ? sorted
            : new DiskFinding(DiskState.Foreign, "is a copy of another disk of this node") { Record = sorted.Record, CanBeWiped = true };
    }

    private static bool IsOfPool(DiskFinding finding, Guid pool) =>
        finding.State is DiskState.Ours or DiskState.Claimed or DiskState.Broken && finding.Record.Pool == pool;

    /// <summary>The pool of most disks in use; where none is, of most damaged ones, then of most interrupted claims.</summary>
    private static Guid Choose(List<(BlockDisk Disk, DiskFinding Finding)> all)
    {
        foreach (DiskState state in (DiskState[])[DiskState.Ours, DiskState.Broken, DiskState.Claimed])
        {
            List<IGrouping<Guid, BlockDisk>> pools = [.. all.Where(d => d.Finding.State == state && d.Finding.Record != default)
                .GroupBy(d => d.Finding.Record.Pool, d => d.Disk).OrderByDescending(p => p.Count())];
            if (pools.Count > 1 && pools[0].Count() == pools[1].Count())
                throw new StorageException($"the disks of two nodes are in this computer: {Names(pools[0])}; {Names(pools[1])}; "
                    + "take those of the other node out, or erase them elsewhere");
            if (pools.Count > 0)
                return pools[0].Key;
        }
        return Guid.NewGuid();
    }

    private static string Names(IEnumerable<BlockDisk> disks) => string.Join(", ", disks.Select(d => $"{d.Name} {d.Serial}".Trim()));
}
