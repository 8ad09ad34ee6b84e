using System.Text;

using Microsoft.Win32.SafeHandles;

namespace ZeroOS.Linux;

/// <summary>Flags of open(2); O_CLOEXEC is always added.</summary>
[Flags]
public enum OpenFlags
{
    ReadOnly = 0, WriteOnly = 1, ReadWrite = 2, Create = 0x40, Exclusive = 0x80, NoControllingTty = 0x100, Truncate = 0x200, Append = 0x400,
    NonBlocking = 0x800, Direct = 0x4000, Directory = 0x10000, NoFollow = 0x20000, Path = 0x200000,
}

/// <summary>
/// An open file description of this process, closed with the object. Every descriptor is close-on-exec; the kernel's refusals throw
/// <see cref="LinuxException"/>, but for the Try methods, which hot paths use. EINTR is retried here and nowhere else.
/// </summary>
public sealed unsafe class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    /// <summary>Takes ownership of <paramref name="fd"/>, a descriptor nobody else closes.</summary>
    public FileDescriptor(int fd) : base(ownsHandle: true) => SetHandle(fd);

    /// <summary>The number, for a system call that another type makes; valid only while this object is alive.</summary>
    public int Number => (int)handle;

    /// <summary>Opens <paramref name="path"/>.</summary>
    /// <exception cref="LinuxException">What open(2) refused.</exception>
    public static FileDescriptor Open(string path, OpenFlags flags, int mode = 0)
    {
        FileDescriptor? opened = TryOpen(path, flags, mode, out Errno errno);
        return opened ?? throw new LinuxException(errno, "open", path);
    }

    /// <summary>Opens <paramref name="path"/> (<see cref="PathText"/>), or returns null and says why.</summary>
    public static FileDescriptor? TryOpen(string path, OpenFlags flags, int mode, out Errno errno)
    {
        byte[] name = PathText.ToBytes(path);
        fixed (byte* p = name)
        {
            int fd;
            do
            {
                fd = open(p, (int)flags | O_CLOEXEC, (ushort)mode);
                errno = fd < 0 ? Libc.LastError : Errno.None;
            }
            while (errno == Errno.EINTR);
            return fd < 0 ? null : new FileDescriptor(fd);
        }
    }

    /// <summary>
    /// An anonymous file in memory (memfd_create(2)); <paramref name="name"/> is only seen in /proc. One that can be sealed: <see cref="SealedMemory"/>.
    /// </summary>
    public static FileDescriptor Memory(string name, bool canSeal = false)
    {
        byte[] text = Encoding.UTF8.GetBytes(name + '\0');
        fixed (byte* p = text)
        {
            int fd = memfd_create(p, MFD_CLOEXEC | (canSeal ? MFD_ALLOW_SEALING : 0));
            return fd >= 0 ? new FileDescriptor(fd) : throw new LinuxException(Libc.LastError, "memfd_create", name);
        }
    }

    /// <summary>
    /// An empty file without a name on the file system of <paramref name="directory"/> (O_TMPFILE), for reading and writing: it is gone with its last
    /// descriptor, whatever happens.
    /// </summary>
    /// <exception cref="LinuxException">What open(2) refused.</exception>
    public static FileDescriptor Unnamed(string directory) => Open(directory, (OpenFlags)O_TMPFILE | OpenFlags.ReadWrite | OpenFlags.Exclusive, Mode.OwnerOnly);

    /// <summary>A second descriptor of the same open file.</summary>
    public FileDescriptor Duplicate()
    {
        int fd = fcntl(Number, F_DUPFD_CLOEXEC, 3);
        return fd >= 0 ? new FileDescriptor(fd) : throw new LinuxException(Libc.LastError, "dup", $"descriptor {Number}");
    }

    /// <summary>Reads what is there, at most the buffer; 0 at the end of the file.</summary>
    public int Read(Span<byte> buffer) => TryRead(buffer, out int length) is var e && e == Errno.None ? length : throw Refused("read", e);

    /// <summary>As <see cref="Read"/>, the refusal returned.</summary>
    public Errno TryRead(Span<byte> buffer, out int length)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                long n = read(Number, p, buffer.Length);
                length = (int)Math.Max(n, 0);
                if (n >= 0)
                    return Errno.None;
                if (Libc.LastError is var e && e != Errno.EINTR)
                    return e;
            }
        }
    }

    /// <summary>Writes part of the buffer and returns how much, the refusal returned.</summary>
    public Errno TryWrite(ReadOnlySpan<byte> buffer, out int written)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                long n = write(Number, p, buffer.Length);
                written = (int)Math.Max(n, 0);
                if (n >= 0)
                    return Errno.None;
                if (Libc.LastError is var e && e != Errno.EINTR)
                    return e;
            }
        }
    }

    /// <summary>Writes the whole buffer.</summary>
    public void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            Errno e = TryWrite(buffer, out int written);
            if (e != Errno.None)
                throw Refused("write", e);
            buffer = buffer[written..];
        }
    }

    /// <summary>Reads at <paramref name="offset"/> bytes without moving the file position.</summary>
    public Errno TryReadAt(Span<byte> buffer, long offset, out int read)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                long n = pread(Number, p, buffer.Length, offset);
                read = (int)Math.Max(n, 0);
                if (n >= 0)
                    return Errno.None;
                if (Libc.LastError is var e && e != Errno.EINTR)
                    return e;
            }
        }
    }

    /// <summary>Writes at <paramref name="offset"/> bytes without moving the file position.</summary>
    public Errno TryWriteAt(ReadOnlySpan<byte> buffer, long offset, out int written)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                long n = pwrite(Number, p, buffer.Length, offset);
                written = (int)Math.Max(n, 0);
                if (n >= 0)
                    return Errno.None;
                if (Libc.LastError is var e && e != Errno.EINTR)
                    return e;
            }
        }
    }

    /// <summary>Fills the whole buffer from <paramref name="offset"/>; a file that ends before is EIO.</summary>
    public void ReadExactlyAt(Span<byte> buffer, long offset)
    {
        while (!buffer.IsEmpty)
        {
            Errno e = TryReadAt(buffer, offset, out int read);
            if (e != Errno.None || read == 0)
                throw Refused("pread", e == Errno.None ? Errno.EIO : e);
            buffer = buffer[read..];
            offset += read;
        }
    }

    /// <summary>Writes the whole buffer at <paramref name="offset"/>.</summary>
    public void WriteAt(ReadOnlySpan<byte> buffer, long offset)
    {
        while (!buffer.IsEmpty)
        {
            Errno e = TryWriteAt(buffer, offset, out int written);
            if (e != Errno.None)
                throw Refused("pwrite", e);
            buffer = buffer[written..];
            offset += written;
        }
    }

    /// <summary>Sets the length in bytes; a longer file gets a hole.</summary>
    public void SetLength(long sizeBytes) => Check(ftruncate(Number, sizeBytes), "ftruncate");

    /// <summary>Gives the file to a user; its group stays.</summary>
    public void SetOwner(uint user) => Check(fchown(Number, user, uint.MaxValue), "fchown");

    /// <summary>Gives the file to a user and a group; set-id bits go.</summary>
    public void SetOwner(uint user, uint group) => Check(fchown(Number, user, group), "fchown");

    /// <summary>Sets the lower 12 mode bits.</summary>
    public void SetMode(int mode) => Check(fchmod(Number, (ushort)mode), "fchmod");

    /// <summary>Sets when the file was changed last; when it was read last stays.</summary>
    public void SetModified(long seconds, uint nanoseconds)
    {
        timespec* times = stackalloc timespec[2];
        times[0].tv_nsec = UTIME_OMIT;
        times[1].tv_sec = seconds;
        times[1].tv_nsec = (int)nanoseconds;
        Check(futimens(Number, times), "futimens");
    }

    /// <summary>The length in bytes of a regular file or block device. Moves the file position.</summary>
    public long Length
    {
        get
        {
            long end = lseek(Number, 0, SEEK_END);
            return end >= 0 ? end : throw Refused("lseek", Libc.LastError);
        }
    }

    /// <summary>What it holds; an O_PATH descriptor will do.</summary>
    public FileStatus Status
    {
        get
        {
            stat s;
            // SAFETY: the name is NUL-terminated and pinned, and the kernel fills one stat.
            fixed (byte* p = "\0"u8)
                Check(fstatat(Number, p, &s, AT_EMPTY_PATH), "fstatat");
            return OpenDirectory.Describe(s);
        }
    }

    /// <summary>Waits until data and metadata are on the medium (fsync(2)).</summary>
    public void Sync() => Check(fsync(Number), "fsync");

    /// <summary>Waits until data is on the medium (fdatasync(2)).</summary>
    public void SyncData() => Check(fdatasync(Number), "fdatasync");

    /// <summary>
    /// Forgets what is cached of the file and already on the medium, so that the next read comes from there (posix_fadvise(2)); a hint, never refused.
    /// </summary>
    public void DropCache()
    {
        _ = posix_fadvise(Number, 0, 0, POSIX_FADV_DONTNEED);
    }

    /// <summary>Whether reads and writes return EAGAIN instead of waiting (O_NONBLOCK); shared by all duplicates.</summary>
    public void SetNonBlocking(bool on)
    {
        int flags = fcntl(Number, F_GETFL, 0);
        Check(flags, "fcntl");
        Check(fcntl(Number, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK), "fcntl");
    }

    /// <summary>
    /// Takes the file's lock without waiting (flock(2)): the exclusive one, or one of any number of shared ones. It belongs to the open file and travels with
    /// its duplicates. EAGAIN: somebody has another.
    /// </summary>
    public Errno TryLock(bool shared = false)
    {
        const int LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4;
        return Libc.flock(Number, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 ? Errno.None : Libc.LastError;
    }

    /// <summary>One ioctl with an integer or pointer argument; returns what the kernel returned, or the refusal as a negative errno.</summary>
    public int Ioctl(nuint request, nint argument)
    {
        while (true)
        {
            int result = Libc.ioctl(Number, request, argument);
            if (result >= 0)
                return result;
            if (Libc.LastError is var e && e != Errno.EINTR)
                return -(int)e;
        }
    }

    /// <summary>One ioctl on a structure that the kernel reads or writes.</summary>
    public int Ioctl<T>(nuint request, ref T argument) where T : unmanaged
    {
        fixed (T* p = &argument)
            return Ioctl(request, (nint)p);
    }

    /// <summary>One ioctl on bytes that the kernel reads or writes; their length is the caller's promise.</summary>
    public int Ioctl(nuint request, Span<byte> argument)
    {
        fixed (byte* p = argument)
            return Ioctl(request, (nint)p);
    }

    protected override bool ReleaseHandle() => close((int)handle) == 0;

    private void Check(int result, string operation)
    {
        if (result < 0)
            throw Refused(operation, Libc.LastError);
    }

    private LinuxException Refused(string operation, Errno errno) => new(errno, operation, $"descriptor {Number}");
}
