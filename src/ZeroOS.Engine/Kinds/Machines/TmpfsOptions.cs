using System.Globalization;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>Options of a file system in memory, as Docker has them: nosuid, nodev and noexec until one says otherwise.</summary>
internal static class TmpfsOptions
{
    // Each flag of mount(2) and the word that takes it back.
    private static readonly (string Flag, string Not)[] s_flags = [("ro", "rw"), ("nosuid", "suid"), ("nodev", "dev"), ("noexec", "exec")];

    private static readonly string[] s_numbers = ["uid=", "gid="];

    /// <summary>Whether it is one.</summary>
    public static bool IsOption(string option) => Array.Exists(s_flags, f => option == f.Flag || option == f.Not)
        || Array.Exists(s_numbers, n => option.StartsWith(n, StringComparison.Ordinal)
            && int.TryParse(option.AsSpan(n.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _));

    /// <summary>What the guest mounts; the last of a kind of options counts.</summary>
    public static GuestTmpfs ToGuest(MachineTmpfs tmpfs)
    {
        HashSet<string> flags = ["nosuid", "nodev", "noexec"];
        List<string> options = [];
        if (tmpfs.Size is { } size)
            options.Add(string.Create(CultureInfo.InvariantCulture, $"size={size.Bytes}"));
        if (tmpfs.Mode is { } mode)
            options.Add($"mode={mode}");
        foreach (string option in tmpfs.Options ?? [])
        {
            if (option.Contains('='))
                options.Add(option);
            else if (Array.Find(s_flags, f => f.Not == option).Flag is { } unset)
                flags.Remove(unset);
            else
                flags.Add(option);
        }
        return new GuestTmpfs { Path = tmpfs.Path, Options = string.Join(',', options), Flags = [.. flags.Order(StringComparer.Ordinal)] };
    }
}
