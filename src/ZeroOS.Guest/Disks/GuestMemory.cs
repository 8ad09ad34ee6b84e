using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Disks;

/// <summary>File systems in the guest's memory that a deployment wants.</summary>
internal static class GuestMemory
{
    /// <summary>Mounts one inside <paramref name="root"/>. Where it says no mode it has that of the directory it covers, as Docker has it.</summary>
    internal static void Mount(GuestTmpfs tmpfs, RootedDirectory root)
    {
        using FileDescriptor target = root.MakeDirectory(tmpfs.Path, out bool made);
        string options = made ? tmpfs.Options : Options(tmpfs.Options, target.Status.Mode);
        Mounts.Mount("tmpfs", $"/proc/self/fd/{target.Number}", "tmpfs", Flags(tmpfs.Flags), options);
    }

    /// <summary>With a mode first: one that is said comes later, and counts.</summary>
    internal static string Options(string said, int mode)
    {
        string of = $"mode={Convert.ToString(mode & 0xFFF, 8)}";
        return said.Length == 0 ? of : $"{of},{said}";
    }

    internal static MountFlags Flags(IEnumerable<string> names) => names.Aggregate(MountFlags.None, (flags, name) => flags | name switch
    {
        "ro" => MountFlags.ReadOnly,
        "nosuid" => MountFlags.NoSuid,
        "nodev" => MountFlags.NoDev,
        "noexec" => MountFlags.NoExec,
        _ => throw new ArgumentException($"\"{name}\" is no flag of a mount"),
    });
}
