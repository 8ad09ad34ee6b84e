using System.Text;

using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Storage;

/// <summary>
/// Guest disks: per volume a directory <c>volumes/SHORT</c> with the sparse file <c>disk</c> and <c>owner</c> (whose it is). Made under another name, synced and
/// renamed, destroyed the other way round: a power cut leaves a whole volume or none. Any thread may call.
/// </summary>
internal sealed class VolumeFiles : IVolumes
{
    private const string New = "new-", Gone = "gone-";
    private const long BlockBytes = 4096, Reserve = 64L << 20;
    private readonly IReadOnlyList<StorageDisk> _pool;
    private readonly Lazy<SparseTemplate> _template;
    private readonly Lock _lock = new();

    internal VolumeFiles(IReadOnlyList<StorageDisk> pool, Lazy<SparseTemplate> template)
    {
        (_pool, _template) = (pool, template);
        foreach (string entry in Entries().Where(e => Path.GetFileName(e) is var n && (n.StartsWith(New, StringComparison.Ordinal) || n.StartsWith(Gone, StringComparison.Ordinal))))
            Directory.Delete(entry, recursive: true);
    }

    /// <inheritdoc/>
    public void Ensure(WorkloadId volume, long sizeBytes)
    {
        sizeBytes = Math.Max((sizeBytes + BlockBytes - 1) / BlockBytes * BlockBytes, _template.Value.Length);
        lock (_lock)
        {
            try
            {
                if (Find(volume) is { } existing)
                    Grow(existing, sizeBytes);
                else
                    Create(volume, sizeBytes);
            }
            catch (LinuxException e) when (e.Errno is Errno.ENOSPC or Errno.EDQUOT)
            {
                throw new WorkloadException("disk-full", $"no space for volume {volume}");
            }
        }
    }

    /// <inheritdoc/>
    public FileDescriptor Open(WorkloadId volume)
    {
        string directory = Find(volume) ?? throw new WorkloadException("no-storage", $"volume {volume} does not exist");
        FileDescriptor disk = FileDescriptor.Open(directory + "/disk", OpenFlags.ReadWrite);
        if (disk.TryLock() is var errno && errno == Errno.None)
            return disk;
        disk.Dispose();
        throw new WorkloadException("volume-in-use", $"volume {volume} is used by another machine");
    }

    /// <inheritdoc/>
    public void Destroy(WorkloadId volume)
    {
        lock (_lock)
        {
            if (Find(volume) is not { } directory)
                return;
            string gone = $"{Path.GetDirectoryName(directory)}/{Gone}{volume.Short}-{Guid.NewGuid():n}";
            Directory.Move(directory, gone);
            SyncDirectory(Path.GetDirectoryName(directory)!);
            Directory.Delete(gone, recursive: true);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<(WorkloadId Volume, long SizeBytes)> List()
    {
        List<(WorkloadId, long)> volumes = [];
        foreach (string directory in Entries())
        {
            string[] owner = File.Exists(directory + "/owner") ? File.ReadAllText(directory + "/owner").Split('\n') : [];
            if (owner.Length == 3)
                volumes.Add((new WorkloadId(owner[0], owner[1], owner[2]), new FileInfo(directory + "/disk").Length));
        }
        return volumes;
    }

    private IEnumerable<string> Entries() => _pool.SelectMany(d => Directory.EnumerateDirectories(d.Root + "/volumes"));

    private string? Find(WorkloadId volume) => _pool.Select(d => $"{d.Root}/volumes/{volume.Short}").FirstOrDefault(Directory.Exists);

    private static void Grow(string directory, long sizeBytes)
    {
        using FileDescriptor disk = FileDescriptor.Open(directory + "/disk", OpenFlags.ReadWrite);
        if (disk.Length >= sizeBytes)
            return;
        disk.SetLength(sizeBytes);
        disk.Sync();
    }

    private void Create(WorkloadId volume, long sizeBytes)
    {
        StorageDisk place = _pool.MaxBy(d => d.FreeBytes)!;
        if (place.FreeBytes < Reserve)
            throw new WorkloadException("disk-full", $"no space for volume {volume}");
        string volumes = place.Root + "/volumes", fresh = $"{volumes}/{New}{volume.Short}";
        if (Directory.Exists(fresh))
            Directory.Delete(fresh, recursive: true);
        Mounts.MakeDirectory(fresh, Mode.OwnerFolder);
        using (FileDescriptor disk = FileDescriptor.Open(fresh + "/disk", OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, Mode.OwnerOnly))
        {
            disk.SetLength(sizeBytes);
            SparseTemplate template = _template.Value;
            template.WriteTo(disk, []);
            byte[] super = template.Read(Ext4Superblock.Offset, Ext4Superblock.Bytes);
            if (!Ext4Superblock.TryStamp(super, Guid.NewGuid(), Guid.NewGuid()))
                throw new InvalidDataException("The ext4 template has no superblock that can be stamped.");
            disk.WriteAt(super, Ext4Superblock.Offset);
            disk.Sync();
        }
        using (FileDescriptor owner = FileDescriptor.Open(fresh + "/owner", OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, Mode.OwnerOnly))
        {
            owner.Write(Encoding.UTF8.GetBytes($"{volume.Tenant}\n{volume.Deployment}\n{volume.Name}"));
            owner.Sync();
        }
        SyncDirectory(fresh);
        Directory.Move(fresh, $"{volumes}/{volume.Short}");
        SyncDirectory(volumes);
    }

    private static void SyncDirectory(string path)
    {
        using FileDescriptor directory = FileDescriptor.Open(path, OpenFlags.ReadOnly | OpenFlags.Directory);
        directory.Sync();
    }
}
