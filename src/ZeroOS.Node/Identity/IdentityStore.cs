using System.Security.Cryptography;

using ZeroOS.Linux;
using ZeroOS.Node.Storage;

namespace ZeroOS.Node.Identity;

/// <summary>The 32-byte seed the node's keys are made from: created once when storage is first there, kept on every disk of the pool, never silently replaced.</summary>
public static class IdentityStore
{
    private const string Name = "/state/identity";

    /// <summary>
    /// The seed. With disks that are all fresh (or no disk at all) a new one is made; a disk that joined gets a copy; without persistent storage it lives as long as the boot.
    /// </summary>
    /// <exception cref="IdentityException">Disks that were in use before hold none that can be read, or hold two of the same generation.</exception>
    public static byte[] LoadOrCreate(NodeStorage storage) => LoadOrCreate(storage.Pool);

    internal static byte[] LoadOrCreate(IReadOnlyList<StorageDisk> pool)
    {
        List<IdentityRecord> found = [];
        foreach (StorageDisk disk in pool)
        {
            if (File.Exists(disk.Root + Name) && IdentityRecord.TryRead(File.ReadAllBytes(disk.Root + Name), out IdentityRecord record))
                found.Add(record);
        }
        // A fresh disk may carry one already if the node was restarted between claim and here; one in use without any was robbed of it or damaged.
        if (found.Count == 0 && pool.Any(d => !d.IsFresh && HasState(d)))
            throw new IdentityException("The disks of this node were in use before, but none holds an identity that can be read.");
        IdentityRecord own = found.Count > 0 ? found.MaxBy(r => r.Generation) : new IdentityRecord(1, RandomNumberGenerator.GetBytes(IdentityRecord.SeedBytes));
        if (found.Any(r => r.Generation == own.Generation && !r.Seed.AsSpan().SequenceEqual(own.Seed)))
            throw new IdentityException("The disks of this node hold two different identities; remove the disk that came from another node.");
        byte[] bytes = own.ToBytes();
        foreach (StorageDisk disk in pool)
        {
            if (!File.Exists(disk.Root + Name) || !File.ReadAllBytes(disk.Root + Name).AsSpan().SequenceEqual(bytes))
                Write(disk, bytes);
        }
        return own.Seed;
    }

    // The claim of a disk makes the directories; whatever else is in them was written by a node that ran.
    private static bool HasState(StorageDisk disk) => Directory.EnumerateFileSystemEntries(disk.Root + "/state").Any();

    private static void Write(StorageDisk disk, byte[] bytes)
    {
        string fresh = disk.Root + Name + ".new";
        File.Delete(fresh);
        using (FileDescriptor file = FileDescriptor.Open(fresh, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, 0x180))
        {
            file.Write(bytes);
            file.Sync();
        }
        File.Move(fresh, disk.Root + Name, overwrite: true);
        using FileDescriptor directory = FileDescriptor.Open(disk.Root + "/state", OpenFlags.ReadOnly | OpenFlags.Directory);
        directory.Sync();
    }
}
