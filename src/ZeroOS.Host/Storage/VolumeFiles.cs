using System.Text;

using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Storage;

/// <summary>
/// Guest disks: per volume a directory <c>volumes/NAME</c> with the sparse file <c>disk</c> and <c>owner</c> (whose it is, compared before the volume is used).
/// Made under another name, synced and renamed, destroyed the other way round: a power cut leaves a whole volume or none. Any thread may call.
/// </summary>
internal sealed class VolumeFiles : IVolumes
{
    private const string New = "new-", Gone = "gone-";
    private const long BlockBytes = 4096, Reserve = 64L << 20;
    private const int MaxOwnerBytes = 1024;
    private readonly IReadOnlyList<StorageDisk> _pool;
    private readonly WorkloadNames _names;
    private readonly bool _onTrial;
    private readonly Lazy<SparseTemplate> _template;
    private readonly Lock _lock = new();

    /// <summary>
    /// Takes away what a power cut left half-made. Volumes that an earlier version named get their present names, but not by a version
    /// <paramref name="onTrial"/>: the one before, which may come back, would not find them. For the same reason such a version makes volumes under their
    /// former names.
    /// </summary>
    internal VolumeFiles(IReadOnlyList<StorageDisk> pool, WorkloadNames names, bool onTrial, Lazy<SparseTemplate> template, ILog log)
    {
        (_pool, _names, _onTrial, _template) = (pool, names, onTrial, template);
        foreach (string entry in Entries()
            .Where(e => Path.GetFileName(e) is var n && (n.StartsWith(New, StringComparison.Ordinal) || n.StartsWith(Gone, StringComparison.Ordinal))))
            Directory.Delete(entry, recursive: true);
        if (!onTrial)
            Rename(log);
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
    public FileDescriptor Open(WorkloadId volume, bool readOnly)
    {
        string directory = Find(volume) ?? throw new WorkloadException("no-storage", $"volume {volume} does not exist");
        FileDescriptor disk = FileDescriptor.Open(directory + "/disk", readOnly ? OpenFlags.ReadOnly : OpenFlags.ReadWrite);
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
            while (Find(volume) is { } directory)
                Destroy(volume, directory);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<(WorkloadId Volume, long SizeBytes)> List()
    {
        List<(WorkloadId, long)> volumes = [];
        foreach (string directory in Entries())
        {
            if (OwnerOf(directory) is { } owner)
                volumes.Add((owner, new FileInfo(directory + "/disk").Length));
        }
        return volumes;
    }

    private IEnumerable<string> Entries() => _pool.SelectMany(d => Directory.EnumerateDirectories(d.Root + "/volumes"));

    /// <summary>Where the volume is, by its present name or by its former one; null if it is not there.</summary>
    /// <exception cref="WorkloadException">name-taken: something else has its present name.</exception>
    private string? Find(WorkloadId volume)
    {
        foreach (string name in (string[])[_names.Of(volume), volume.FormerName])
        {
            foreach (string directory in _pool.Select(d => $"{d.Root}/volumes/{name}").Where(Directory.Exists))
            {
                if (OwnerOf(directory) == volume)
                    return directory;
                if (name != volume.FormerName)
                    throw new WorkloadException("name-taken",
                        $"what lies in the place of volume {volume} does not say that it is this volume; the node leaves it alone");
            }
        }
        return null;
    }

    private static WorkloadId? OwnerOf(string directory)
    {
        FileInfo file = new(directory + "/owner");
        return file is { Exists: true, Length: <= MaxOwnerBytes }
            && File.ReadAllText(file.FullName).Split('\n') is [string tenant, string deployment, string name]
            ? new WorkloadId(tenant, deployment, name) : null;
    }

    /// <summary>
    /// Gives each volume the name that its owner has now, once: afterwards it has it. What does not say whose it is stays, and is never used.
    /// </summary>
    private void Rename(ILog log)
    {
        foreach (string directory in Entries().ToList())
        {
            if (OwnerOf(directory) is not { } owner)
            {
                log.Warn($"event=volume-without-owner directory={Path.GetFileName(directory)}");
                continue;
            }
            string name = _names.Of(owner);
            if (Path.GetFileName(directory) == name)
                continue;
            if (_pool.Any(d => Directory.Exists($"{d.Root}/volumes/{name}")))
            {
                log.Warn($"event=volume-twice directory={Path.GetFileName(directory)} used={name}");
                continue;
            }
            try
            {
                string volumes = Path.GetDirectoryName(directory)!;
                Directory.Move(directory, $"{volumes}/{name}");
                SyncDirectory(volumes);
            }
            catch (IOException e)
            {
                log.Warn($"event=volume-not-renamed directory={Path.GetFileName(directory)} message=\"{e.Message}\""); // it is found by its former name
            }
        }
    }

    private static void Destroy(WorkloadId volume, string directory)
    {
        // A monitor that is on its way out still writes: its lock is the last word, whatever the caller believes.
        using FileDescriptor? disk = FileDescriptor.TryOpen(directory + "/disk", OpenFlags.ReadWrite, 0, out _);
        if (disk is not null && disk.TryLock() != Errno.None)
            throw new WorkloadException("volume-in-use", $"volume {volume} is still used by a machine");
        string volumes = Path.GetDirectoryName(directory)!, gone = $"{volumes}/{Gone}{Guid.NewGuid():n}";
        Directory.Move(directory, gone);
        SyncDirectory(volumes);
        Directory.Delete(gone, recursive: true);
    }

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
        string volumes = place.Root + "/volumes", name = _onTrial ? volume.FormerName : _names.Of(volume), fresh = $"{volumes}/{New}{name}";
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
        Directory.Move(fresh, $"{volumes}/{name}");
        SyncDirectory(volumes);
    }

    private static void SyncDirectory(string path)
    {
        using FileDescriptor directory = FileDescriptor.Open(path, OpenFlags.ReadOnly | OpenFlags.Directory);
        directory.Sync();
    }
}
