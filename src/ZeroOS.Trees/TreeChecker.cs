using ZeroOS.Formats.Tar;

namespace ZeroOS.Trees;

/// <summary>Says of an archive whether <see cref="TreeUnpacker"/> may have it; nothing is done yet.</summary>
public static class TreeChecker
{
    /// <summary>Reads the archive to its end and returns how many entries it has.</summary>
    /// <exception cref="TarException">It is damaged, has a name that is absolute or climbs, or a kind of entry that nobody knows.</exception>
    /// <exception cref="TreeException">It has what is not unpacked, or too much.</exception>
    public static int Check(Stream archive, ITreeWatcher watcher)
    {
        TarReader tar = new(archive) { RefusesAbsolute = true };
        TreeBudget budget = new();
        while (tar.Next() is { } entry)
        {
            watcher.Moved(0);
            CheckEntry(entry, budget);
        }
        return budget.Entries;
    }

    /// <summary>One entry, whoever reads the archive.</summary>
    internal static void CheckEntry(TarEntry entry, TreeBudget budget)
    {
        string name = TarPath.Printable(entry.Path);
        budget.Count(entry.Path);
        if (entry.Type is TarEntryType.CharacterDevice or TarEntryType.BlockDevice)
            throw new TreeException($"{name} is a device, which is not copied");
        if (entry.Type == TarEntryType.Directory)
            budget.Take(MemoryOf(entry.Path), entry.Path);
        else if (entry.Path.Length == 0)
            throw new TreeException("an entry without a name is no directory");
        if (entry.Type == TarEntryType.HardLink && entry.LinkTarget.Length == 0)
            throw new TreeException($"{name} is a link to a directory");
        if (entry.Size > TreeLimits.FileBytes)
            throw new TreeException($"{name} has {entry.Size} bytes, and {TreeLimits.FileBytes} is the most there is", isLimit: true);
    }

    // Of what is kept about a directory until its times are set.
    private static long MemoryOf(string path) => 200 + (2L * path.Length);
}
