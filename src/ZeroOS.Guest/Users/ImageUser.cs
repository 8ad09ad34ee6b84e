using System.Globalization;

using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Users;

/// <summary>
/// Who the workload runs as: ids, supplementary groups and home directory, by the rules of the OCI image spec (config.md, "User") and Docker's for what it
/// leaves open.
/// </summary>
internal sealed record ImageUser(uint Uid, uint Gid, IReadOnlyList<uint> Groups, string Home)
{
    private const int MaxFileBytes = 4 * 1024 * 1024;

    /// <summary>As below, with /etc/passwd and /etc/group in <paramref name="root"/>; a longer file counts as none.</summary>
    internal static ImageUser Resolve(string text, RootedDirectory root) =>
        Resolve(text, root.TryReadText("/etc/passwd", MaxFileBytes), root.TryReadText("/etc/group", MaxFileBytes));

    /// <summary>
    /// Resolves "", user, uid, user:group, uid:gid with the image's own files (null: not there). No group given: the user's, with its supplementary ones;
    /// group given: only that. A number that no line knows is taken as it is, with group 0.
    /// </summary>
    /// <exception cref="SetupException">A name that the image does not know, or a number out of range.</exception>
    internal static ImageUser Resolve(string text, string? passwd, string? group)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 2)
            throw new SetupException("user", $"user \"{text}\" has more than one colon");
        string user = parts[0].Length == 0 ? "0" : parts[0];
        string[]? line = Lines(passwd, 7).FirstOrDefault(l => l[0] == user)
            ?? (TryId(user, out uint wanted) ? Lines(passwd, 7).FirstOrDefault(l => TryId(l[2], out uint id) && id == wanted) : null);
        uint uid = Id(line?[2] ?? user, "user", user);
        string home = line is { } known && known[5].Length > 0 ? known[5] : "/";
        if (parts.Length == 2 && parts[1].Length > 0)
            return new ImageUser(uid, GroupId(parts[1], group), [], home);
        uint gid = line is null ? 0 : Id(line[3], "group", line[3]);
        List<uint> groups = [];
        foreach (string[] g in Lines(group, 4))
        {
            if (line is not null && g[3].Split(',').Contains(line[0]) && TryId(g[2], out uint id) && !groups.Contains(id))
                groups.Add(id);
        }
        return new ImageUser(uid, gid, groups, home);
    }

    /// <summary>The same with <paramref name="added"/> groups, by name or number.</summary>
    /// <exception cref="SetupException">A name that the image does not know.</exception>
    internal ImageUser With(IReadOnlyList<string> added, RootedDirectory root) =>
        added.Count == 0 ? this : With(added, root.TryReadText("/etc/group", MaxFileBytes));

    internal ImageUser With(IReadOnlyList<string> added, string? group) => this with { Groups = [.. Groups.Union(added.Select(a => GroupId(a, group)))] };

    private static uint GroupId(string name, string? group)
    {
        string[]? line = Lines(group, 4).FirstOrDefault(l => l[0] == name);
        return Id(line?[2] ?? name, "group", name);
    }

    private static uint Id(string text, string kind, string name) =>
        TryId(text, out uint id) ? id : throw new SetupException("user", $"the image knows no {kind} \"{name}\"");

    private static bool TryId(string text, out uint id) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id) && id <= int.MaxValue;

    private static IEnumerable<string[]> Lines(string? file, int fields)
    {
        foreach (string line in (file ?? "").Split('\n'))
        {
            string[] parts = line.TrimEnd('\r').Split(':');
            if (parts.Length >= fields && !line.StartsWith('#'))
                yield return parts;
        }
    }
}
