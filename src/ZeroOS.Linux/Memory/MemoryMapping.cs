using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>A range of this process's address space made by mmap(2), unmapped with the object. The pointer is valid while the object is alive.</summary>
public sealed unsafe class MemoryMapping : SafeHandle
{
    private MemoryMapping(nint address, long sizeBytes) : base(-1, ownsHandle: true)
    {
        SetHandle(address);
        Size = sizeBytes;
    }

    /// <summary>Bytes mapped.</summary>
    public long Size { get; }

    /// <summary>The first byte.</summary>
    public byte* Pointer => (byte*)handle;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>Zeroed private memory that takes physical pages only when touched, and no swap reservation.</summary>
    /// <exception cref="LinuxException">What mmap(2) refused.</exception>
    public static MemoryMapping Anonymous(long sizeBytes) =>
        Map(sizeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, "anonymous");

    /// <summary>Asks for huge pages where the range has room for them (madvise(2)); a kernel without them goes on with small ones.</summary>
    public void PreferHugePages() => _ = madvise((void*)handle, (size_t)(ulong)Size, MADV_HUGEPAGE);

    /// <summary>
    /// Gives pages of anonymous private memory back to the kernel (MADV_DONTNEED); they read as zeros until something is written. Offset and size in whole
    /// pages, inside the mapping.
    /// </summary>
    public Errno TryGiveBack(long offset, long sizeBytes) =>
        madvise((byte*)handle + offset, (size_t)(ulong)sizeBytes, MADV_DONTNEED) == 0 ? Errno.None : Libc.LastError;

    /// <summary>The first bytes of a file, read-only and shared: what others write is seen.</summary>
    /// <exception cref="LinuxException">What mmap(2) refused.</exception>
    public static MemoryMapping OfFile(FileDescriptor file, long sizeBytes) => Map(sizeBytes, PROT_READ, MAP_SHARED, file.Number, 0, "file");

    /// <summary>A range of a device or ring descriptor, shared, read and written.</summary>
    /// <exception cref="LinuxException">What mmap(2) refused.</exception>
    public static MemoryMapping Shared(FileDescriptor file, long sizeBytes, long offset = 0) =>
        Map(sizeBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.Number, offset, "shared");

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => munmap((void*)handle, (size_t)(ulong)Size) == 0;

    private static MemoryMapping Map(long sizeBytes, int protection, int flags, int fd, long offset, string subject)
    {
        void* p = mmap(null, (size_t)(ulong)sizeBytes, protection, flags, fd, offset);
        return p != (void*)-1 ? new MemoryMapping((nint)p, sizeBytes) : throw new LinuxException(Libc.LastError, "mmap", subject);
    }
}
