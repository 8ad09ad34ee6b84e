namespace ZeroOS.Linux;

// What changes a directory that is held open: names in it, never paths, and no link is followed.
public sealed unsafe partial class OpenDirectory
{
    /// <summary>Makes a directory that its owner alone may enter; EEXIST when the name is taken, by whatever.</summary>
    public Errno TryMakeDirectory(string name)
    {
        fixed (byte* p = Bytes(name))
            return Result(mkdirat(_fd.Number, p, Mode.OwnerFolder));
    }

    /// <summary>Makes an empty file that was not there, for its owner alone, open for writing.</summary>
    /// <exception cref="LinuxException">What openat(2) refused.</exception>
    public FileDescriptor CreateFile(string name)
    {
        fixed (byte* p = Bytes(name))
        {
            int fd = openat(_fd.Number, p, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, Mode.OwnerOnly);
            return fd >= 0 ? new FileDescriptor(fd) : throw Refused("openat", name);
        }
    }

    /// <summary>Makes a symbolic link that was not there.</summary>
    /// <exception cref="LinuxException">What symlinkat(2) refused.</exception>
    public void MakeLink(string name, string target)
    {
        fixed (byte* t = Bytes(target), p = Bytes(name))
            Check(symlinkat(t, _fd.Number, p), "symlinkat", name);
    }

    /// <summary>Makes a pipe that was not there, for its owner alone.</summary>
    /// <exception cref="LinuxException">What mkfifoat(3) refused.</exception>
    public void MakePipe(string name)
    {
        fixed (byte* p = Bytes(name))
            Check(mkfifoat(_fd.Number, p, Mode.OwnerOnly), "mkfifoat", name);
    }

    /// <summary>Gives a file of another directory a name in this one; a symbolic link gets the name itself.</summary>
    /// <exception cref="LinuxException">What linkat(2) refused.</exception>
    public void MakeHardLink(string name, OpenDirectory of, string existing)
    {
        fixed (byte* e = Bytes(existing), p = Bytes(name))
            Check(Libc.linkat(of._fd.Number, e, _fd.Number, p, 0), "linkat", name);
    }

    /// <summary>Renames inside the directory; what had the new name is gone, unless it is a directory.</summary>
    /// <exception cref="LinuxException">What renameat(2) refused.</exception>
    public void Rename(string from, string to)
    {
        fixed (byte* f = Bytes(from), t = Bytes(to))
            Check(Libc.renameat(_fd.Number, f, _fd.Number, t), "renameat", to);
    }

    /// <summary>Removes a name that is no directory's.</summary>
    public Errno TryRemove(string name)
    {
        fixed (byte* p = Bytes(name))
            return Result(unlinkat(_fd.Number, p, 0));
    }

    /// <summary>
    /// Gives a name of this directory to a user and a group, if it still is what <paramref name="kind"/> says and has no second name: somebody who may write
    /// here cannot have the owner of another file changed.
    /// </summary>
    /// <exception cref="LinuxException">What fchownat(2) refused; EPERM also when the name is another thing's by now.</exception>
    public void SetOwner(string name, EntryKind kind, uint user, uint group)
    {
        using FileDescriptor held = TryHold(name) ?? throw Refused("openat", name);
        FileStatus status = held.Status;
        if (status.Kind != kind || status.Links != 1)
            throw new LinuxException(Errno.EPERM, "fchownat", $"{_path}/{name}");
        fixed (byte* p = "\0"u8)
            Check(fchownat(held.Number, p, user, group, AT_EMPTY_PATH), "fchownat", name);
    }

    /// <summary>Sets the lower 12 mode bits of a pipe of this directory, if the name still is one.</summary>
    /// <exception cref="LinuxException">What chmod(2) refused; EPERM also when the name is another thing's by now.</exception>
    public void SetPipeMode(string name, int mode)
    {
        using FileDescriptor held = TryHold(name) ?? throw Refused("openat", name);
        if (held.Status.Kind != EntryKind.Pipe)
            throw new LinuxException(Errno.EPERM, "chmod", $"{_path}/{name}");
        // fchmod(2) refuses a descriptor that only holds.
        FileEntry.SetMode($"/proc/self/fd/{held.Number}", mode);
    }

    /// <summary>Sets the owner of the directory itself.</summary>
    /// <exception cref="LinuxException">What fchown(2) refused.</exception>
    public void SetOwner(uint user, uint group) => _fd.SetOwner(user, group);

    /// <summary>Sets the lower 12 mode bits of the directory itself.</summary>
    /// <exception cref="LinuxException">What fchmod(2) refused.</exception>
    public void SetMode(int mode) => _fd.SetMode(mode);

    /// <summary>Sets when the directory itself was changed last.</summary>
    /// <exception cref="LinuxException">What futimens(3) refused.</exception>
    public void SetModified(long seconds, uint nanoseconds) => _fd.SetModified(seconds, nanoseconds);

    private static Errno Result(int result) => result < 0 ? Libc.LastError : Errno.None;

    private void Check(int result, string operation, string name)
    {
        if (result < 0)
            throw Refused(operation, name);
    }
}
