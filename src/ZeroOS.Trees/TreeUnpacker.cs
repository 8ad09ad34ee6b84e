using System.Globalization;

using ZeroOS.Formats.Tar;
using ZeroOS.Linux;

namespace ZeroOS.Trees;

/// <summary>
/// Lays an archive that may be anybody's into a directory that others may change meanwhile. A directory that is there stays as it is. Everything else gets a
/// temporary name beside its place and is then renamed, over what had that name. No entry leads through a symbolic link. For one archive.
/// </summary>
/// <param name="watcher">Hears of what is left out.</param>
public sealed class TreeUnpacker(ITreeWatcher watcher)
{
    private const int FileMode = 0x1FF, DirectoryMode = 0x3FF; // rwx of all; the sticky bit on directories; set-id nowhere

    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly TreeNotes _notes = new(watcher);
    private readonly List<(string Path, TarEntry Entry)> _made = [];
    private readonly TreeBudget _budget = new();
    private TreePlace _place = null!;
    private string? _first;
    private (string Path, OpenDirectory Directory)? _parent;

    /// <summary>Whether files get the owners that the archive names; otherwise they belong to whoever unpacks.</summary>
    public bool KeepsOwners { get; init; }

    /// <summary>Whether symbolic links that lead out of the tree are left out.</summary>
    public bool LeavesOutLinksThatLeadOut { get; init; }

    /// <summary>Called before an entry gets its name, with the name; tests change the tree there.</summary>
    internal Action<string>? BeforeEntry { get; init; }

    /// <summary>Entries that are whole.</summary>
    public int Done { get; private set; }

    /// <summary>Unpacks all of it. What fails leaves the entries before as they are, and nothing unfinished.</summary>
    /// <param name="archive">A tar stream.</param>
    /// <param name="place">Where to, asked once with the first entry: whether it is a directory, and its name.</param>
    /// <exception cref="TarException">The archive is damaged, or has a name that is absolute or climbs.</exception>
    /// <exception cref="TreeException">It has what is not unpacked, or something else is in its place.</exception>
    /// <exception cref="LinuxException">What the kernel refused.</exception>
    public void Unpack(Stream archive, Func<bool, string, TreePlace> place)
    {
        try
        {
            UnpackEntries(new TarReader(archive) { RefusesAbsolute = true }, place);
        }
        catch
        {
            FinishDirectories(out _);
            throw;
        }
        finally
        {
            _parent?.Directory.Dispose();
        }
        FinishDirectories(out LinuxException? fault);
        _notes.End();
        if (fault is not null)
            throw fault;
    }

    private void UnpackEntries(TarReader tar, Func<bool, string, TreePlace> place)
    {
        while (tar.Next() is { } entry)
        {
            watcher.Moved(0);
            TreeChecker.CheckEntry(entry, _budget);
            if (_first is null)
            {
                _first = entry.Path;
                _place = place(entry.Type == TarEntryType.Directory, entry.Path);
            }
            UnpackEntry(tar, entry, Map(entry.Path));
            Done++;
        }
    }

    // What the archive calls `path` is called so in the directory.
    private string Map(string path)
    {
        if (_place.Name is not { } name)
            return path;
        string first = _first!, below;
        if (first.Length == 0)
            below = path;
        else if (path.Length > first.Length && path[first.Length] == '/' && path.StartsWith(first, StringComparison.Ordinal))
            below = path[(first.Length + 1)..];
        else
            below = path == first ? "" : throw new TreeException($"{TarPath.Printable(path)} lies beside {TarPath.Printable(first)}");
        return name.Length == 0 ? below : below.Length == 0 ? name : $"{name}/{below}";
    }

    private void UnpackEntry(TarReader tar, TarEntry entry, string path)
    {
        // The directory that it is unpacked into.
        if (path.Length == 0)
        {
            if (entry.Type != TarEntryType.Directory)
                throw new TreeException($"{TarPath.Printable(entry.Path)} is no directory, and has no other name");
            return;
        }
        OpenDirectory parent = ParentOf(path, out string name);
        BeforeEntry?.Invoke(path);
        if (entry.Type == TarEntryType.Directory)
        {
            MakeDirectory(parent, path, name, entry);
            return;
        }
        if (parent.TryStatus(name, out FileStatus there) == Errno.None && there.Kind == EntryKind.Directory)
            throw new TreeException($"{TarPath.Printable(path)} is a directory there, and nothing else takes its place");
        if (entry.Type == TarEntryType.SymbolicLink && LeavesOutLinksThatLeadOut && LeadsOut(entry))
        {
            _notes.Add($"left out {TarPath.Printable(path)}: it is a link that leads out, to {TarPath.Printable(entry.LinkTarget)}");
            return;
        }
        string temporary = string.Create(CultureInfo.InvariantCulture, $".zos-cp-{Random.Shared.NextInt64():x16}");
        try
        {
            Make(tar, entry, parent, temporary);
            parent.Rename(temporary, name);
        }
        finally
        {
            // Gone when all went well; two names of one file stay both.
            _ = parent.TryRemove(temporary);
        }
    }

    private void Make(TarReader tar, TarEntry entry, OpenDirectory parent, string temporary)
    {
        switch (entry.Type)
        {
            case TarEntryType.File:
                WriteFile(tar, entry, parent, temporary);
                break;
            case TarEntryType.SymbolicLink:
                parent.MakeLink(temporary, entry.LinkTarget);
                SetOwner(entry, parent, temporary, EntryKind.SymbolicLink);
                break;
            case TarEntryType.Fifo:
                parent.MakePipe(temporary);
                SetOwner(entry, parent, temporary, EntryKind.Pipe);
                parent.SetPipeMode(temporary, entry.Mode & FileMode);
                break;
            case TarEntryType.HardLink:
                MakeHardLink(entry, parent, temporary);
                break;
        }
    }

    private void WriteFile(TarReader tar, TarEntry entry, OpenDirectory parent, string name)
    {
        using FileDescriptor file = parent.CreateFile(name);
        for (int count; (count = tar.Read(_buffer, out long offset)) > 0;)
        {
            file.WriteAt(_buffer.AsSpan(0, count), offset);
            watcher.Moved(count);
        }
        file.SetLength(entry.Size);
        // The owner before the mode: a file that changes hands loses bits.
        if (KeepsOwners)
            file.SetOwner(entry.Uid, entry.Gid);
        file.SetMode(entry.Mode & FileMode);
        file.SetModified(entry.MtimeSeconds, entry.MtimeNanoseconds);
    }

    private void SetOwner(TarEntry entry, OpenDirectory parent, string name, EntryKind kind)
    {
        if (KeepsOwners)
            parent.SetOwner(name, kind, entry.Uid, entry.Gid);
    }

    private void MakeHardLink(TarEntry entry, OpenDirectory parent, string temporary)
    {
        string target = Map(entry.LinkTarget);
        (string path, string name) = Split(target);
        using OpenDirectory directory = _place.Directory.TryOpenBeneath(path, out Errno errno) ?? throw Refused(path, errno);
        if (directory.TryStatus(name, out FileStatus status) != Errno.None || status.Kind != EntryKind.File)
            throw new TreeException($"{TarPath.Printable(entry.Path)} is a link to {TarPath.Printable(target)}, where no file is");
        parent.MakeHardLink(temporary, directory, name);
    }

    private void MakeDirectory(OpenDirectory parent, string path, string name, TarEntry entry)
    {
        Errno errno = parent.TryMakeDirectory(name);
        if (errno == Errno.None)
            _made.Add((path, entry));
        else if (errno != Errno.EEXIST)
            throw Refused(path, errno);
        else if (parent.TryStatus(name, out FileStatus there) != Errno.None || there.Kind != EntryKind.Directory)
            throw new TreeException($"{TarPath.Printable(path)} is there and is no directory");
    }

    private OpenDirectory ParentOf(string path, out string name)
    {
        (string parent, name) = Split(path);
        if (_parent is { } last && last.Path == parent)
            return last.Directory;
        _parent?.Directory.Dispose();
        _parent = null;
        OpenDirectory? directory = _place.Directory.TryOpenBeneath(parent, out Errno errno);
        if (errno == Errno.ENOENT)
            directory = MakeParents(parent, out errno);
        _parent = (parent, directory ?? throw Refused(parent, errno));
        return directory;
    }

    // An archive need not name the directories of what it names.
    private OpenDirectory? MakeParents(string path, out Errno errno)
    {
        OpenDirectory directory = _place.Directory.TryOpenBeneath("", out errno) ?? throw Refused(path, errno);
        foreach (string name in path.Split('/'))
        {
            bool made = directory.TryMakeDirectory(name) == Errno.None;
            OpenDirectory? next = directory.TryOpenBeneath(name, out errno);
            directory.Dispose();
            if (next is null)
                return null;
            directory = next;
            if (made)
                directory.SetMode(Mode.FolderForAll);
        }
        return directory;
    }

    // Times last: what is laid into a directory changes them. One that somebody has taken away meanwhile needs none.
    private void FinishDirectories(out LinuxException? fault)
    {
        fault = null;
        for (int i = _made.Count - 1; i >= 0; i--)
        {
            (string path, TarEntry entry) = _made[i];
            using OpenDirectory? directory = _place.Directory.TryOpenBeneath(path, out _);
            try
            {
                if (KeepsOwners)
                    directory?.SetOwner(entry.Uid, entry.Gid);
                directory?.SetMode(entry.Mode & DirectoryMode);
                directory?.SetModified(entry.MtimeSeconds, entry.MtimeNanoseconds);
            }
            catch (LinuxException e)
            {
                fault ??= e;
            }
        }
    }

    // A link may climb to the top of the tree and no higher, and only before it names anything: what it names may be a link itself, from which `..` leads
    // elsewhere. So each link stays inside if all others do.
    private bool LeadsOut(TarEntry entry)
    {
        if (entry.LinkTarget.StartsWith('/'))
            return true;
        string first = _first!;
        string below = _place.Name is null || first.Length == 0 ? entry.Path : entry.Path == first ? "" : entry.Path[(first.Length + 1)..];
        int mayClimb = below.Count(c => c == '/');
        bool named = below.Length == 0;     // the tree is this link: there is nothing above it to climb to
        foreach (string part in entry.LinkTarget.Split('/'))
        {
            if (part == ".." && (named || mayClimb-- == 0))
                return true;
            named |= part is not ("" or "." or "..");
        }
        return false;
    }

    private static (string Parent, string Name) Split(string path)
    {
        int slash = path.LastIndexOf('/');
        return slash < 0 ? ("", path) : (path[..slash], path[(slash + 1)..]);
    }

    private static TreeException Refused(string path, Errno errno) => errno switch
    {
        Errno.ELOOP => new TreeException($"{TarPath.Printable(path)} leads through a symbolic link"),
        Errno.ENOTDIR => new TreeException($"{TarPath.Printable(path)} is there and is no directory"),
        _ => new TreeException($"{TarPath.Printable(path)}: {errno}"),
    };
}
