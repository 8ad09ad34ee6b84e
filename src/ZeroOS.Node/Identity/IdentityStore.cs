using ZeroOS.Host.Storage;
using ZeroOS.Linux;

namespace ZeroOS.Node.Identity;

/// <summary>The identity's records on the disks of the pool: one on each, the same on all.</summary>
internal sealed class IdentityStore(IReadOnlyList<StorageDisk> pool)
{
    private const string Name = "/state/identity";

    /// <summary>Every record that can be read, the newest first; none if no disk was in use before.</summary>
    /// <exception cref="IdentityException">Disks that were in use before hold none that can be read, or hold two identities.</exception>
    public IReadOnlyList<IdentityRecord> Read()
    {
        List<IdentityRecord> found = [];
        foreach (StorageDisk disk in pool)
        {
            if (Bytes(disk) is byte[] bytes && IdentityRecord.TryRead(bytes, out IdentityRecord? record))
                found.Add(record);
        }
        // One in use without any was robbed of it or damaged; one that was claimed by a start that ended before here has none yet.
        if (found.Count == 0 && pool.Any(d => d.IsInUse))
            throw new IdentityException("The disks of this node were in use before, but none holds an identity that can be read.");
        if (found.Select(r => r.Node).Distinct().Count() > 1)
            throw new IdentityException("The disks of this node hold two different identities; remove the disk that came from another node.");
        return [.. found.OrderByDescending(r => r.Generation)];
    }

    /// <summary>
    /// Makes <paramref name="record"/> the one on every disk. With <paramref name="eraseOld"/> what was there is overwritten once the new one is safe: a file
    /// system that never writes in place, and a disk that moves blocks about, may still hold the old bytes somewhere (docs/identity.md says so).
    /// </summary>
    public void Write(IdentityRecord record, bool eraseOld)
    {
        byte[] bytes = record.ToBytes();
        foreach (StorageDisk disk in pool)
        {
            if (Bytes(disk) is not byte[] there || !there.AsSpan().SequenceEqual(bytes))
                Write(disk, bytes, eraseOld);
        }
    }

    /// <summary>Gives a copy to the disks that hold no readable record; the others keep theirs.</summary>
    public void CopyToOthers(IdentityRecord record)
    {
        foreach (StorageDisk disk in pool)
        {
            if (Bytes(disk) is not byte[] there || !IdentityRecord.TryRead(there, out _))
                Write(disk, record.ToBytes(), eraseOld: false);
        }
    }

    private static byte[]? Bytes(StorageDisk disk) =>
        new FileInfo(disk.Root + Name) is { Exists: true, Length: <= IdentityRecord.MaxBytes } file ? File.ReadAllBytes(file.FullName) : null;

    private static void Write(StorageDisk disk, byte[] bytes, bool eraseOld)
    {
        string path = disk.Root + Name, fresh = path + ".new";
        File.Delete(fresh);
        using (FileDescriptor file = FileDescriptor.Open(fresh, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, Mode.OwnerOnly))
        {
            file.Write(bytes);
            file.Sync();
        }
        using FileDescriptor? old = eraseOld ? FileDescriptor.TryOpen(path, OpenFlags.WriteOnly, 0, out _) : null;
        File.Move(fresh, path, overwrite: true);
        using FileDescriptor directory = FileDescriptor.Open(disk.Root + "/state", OpenFlags.ReadOnly | OpenFlags.Directory);
        directory.Sync();
        old?.Write(new byte[IdentityRecord.MaxBytes]);
        old?.Sync();
    }
}
