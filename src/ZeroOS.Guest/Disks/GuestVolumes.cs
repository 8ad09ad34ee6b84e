using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Disks;

/// <summary>
/// Volumes: ext4 disks whose <c>data/</c> directory is shown at a path of the root. Without one they are new, and get the image's content, owner and
/// mode of that path, as Docker does.
/// </summary>
internal static class GuestVolumes
{
    private const string Base = "/run/volumes";

    /// <summary>
    /// Mounts all volumes, and file systems in memory, into <paramref name="rootPath"/>; the image's content is read before any of them hides it.
    /// </summary>
    internal static void Mount(IReadOnlyList<GuestMount> volumes, IReadOnlyList<GuestTmpfs> inMemory, string rootPath)
    {
        Mounts.MakeDirectory(Base);
        using RootedDirectory root = new(rootPath);
        foreach (GuestMount volume in volumes)
            Prepare(volume, root);
        IEnumerable<(string Path, Action Mount)> all =
            [.. volumes.Select(v => (v.Path, (Action)(() => Show(v, root)))), .. inMemory.Select(t => (t.Path, (Action)(() => GuestMemory.Mount(t, root))))];
        // Outer paths first: a volume inside a volume must land on top of it.
        foreach ((_, Action mount) in all.OrderBy(m => m.Path.Count(c => c == '/')).ThenBy(m => m.Path.Length))
            mount();
    }

    /// <summary>Grows the file system of a mounted volume.</summary>
    internal static void Grow(string serial) => Ext4.Grow(GuestDisks.Find(serial, "volume " + serial), $"{Base}/{serial}");

    private static string Data(GuestMount volume) => $"{Base}/{volume.Disk}/data";

    private static void Show(GuestMount volume, RootedDirectory root) =>
        Show(Data(volume), volume.Path, volume.ReadOnly, root);

    /// <summary>Shows a directory at a path of the root.</summary>
    internal static void Show(string content, string path, bool readOnly, RootedDirectory root)
    {
        using FileDescriptor target = root.MakeDirectory(path, out _);
        Mounts.Bind(content, $"/proc/self/fd/{target.Number}");
        if (readOnly)
            Mounts.MakeReadOnly(root, path);
    }

    private static void Prepare(GuestMount volume, RootedDirectory root)
    {
        string stage = $"volume {volume.Path}";
        if (!volume.Path.StartsWith('/') || volume.Path.Length > 4095)
            throw new SetupException(stage, "its path is not absolute");
        Ext4.Mount(GuestDisks.Find(volume.Disk, stage), $"{Base}/{volume.Disk}", stage);
        if (FileEntry.TryStatus(Data(volume)) is null)
            Seed(root, volume.Path, $"{Base}/{volume.Disk}");
    }

    /// <summary>Makes <c>data/</c> from the image's content, all or nothing: a power cut leaves <c>data.new</c>, which is made afresh.</summary>
    internal static void Seed(RootedDirectory root, string path, string volume)
    {
        string fresh = volume + "/data.new";
        if (Directory.Exists(fresh))
            Directory.Delete(fresh, recursive: true);
        Mounts.MakeDirectory(fresh);
        using (FileDescriptor? content = root.TryOpen(path, OpenFlags.Path | OpenFlags.Directory, 0, out _))
        {
            // The dot goes through the link of /proc to the directory itself.
            if (content is not null)
                TreeCopy.Copy($"/proc/self/fd/{content.Number}/.", fresh);
        }
        using FileDescriptor disk = FileDescriptor.Open(volume, OpenFlags.ReadOnly | OpenFlags.Directory);
        Computer.Sync();
        Directory.Move(fresh, volume + "/data");
        disk.Sync();
    }
}
