using ZeroOS.Linux;

namespace ZeroOS.Images.Store;

/// <summary>
/// The <c>verified</c> bitmap of an image: a file in /run that the node and its monitors map. It outlives a death of the node, never a reboot. A set bit
/// promises that the chunk's bytes, verified, are what a read of the device file finds.
/// </summary>
internal sealed unsafe class VerifiedMap : IDisposable
{
    private const int Page = 4096;
    private readonly string _path;
    private readonly MemoryMapping _mapping;

    private VerifiedMap(string path, MemoryMapping mapping) => (_path, _mapping) = (path, mapping);

    /// <summary>Opens the bitmap at <paramref name="path"/>, or makes one with no bit set.</summary>
    /// <exception cref="LinuxException">What the kernel refused.</exception>
    public static VerifiedMap Open(string path, int chunks)
    {
        long size = Math.Max(1, (((chunks + 7) / 8) + Page - 1) / Page) * (long)Page;
        if (FileEntry.TryStatus(path) is { } there && there.Size != size)
            File.Delete(path);
        using FileDescriptor file = FileDescriptor.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, Mode.OwnerOnly);
        // Zeros, not a hole: a store into a mapped hole of a full tmpfs would end the node with SIGBUS, this ends with ENOSPC.
        if (file.Length != size)
            file.WriteAt(new byte[size], 0);
        return new VerifiedMap(path, MemoryMapping.Shared(file, size));
    }

    /// <summary>Whether a chunk may be read.</summary>
    public bool this[int chunk] => (Volatile.Read(ref Word(chunk)) & (1u << (chunk & 31))) != 0;

    /// <summary>
    /// A chunk may be read from now on. The locked instruction is a full barrier, so everything written before is seen by whoever sees the bit; it
    /// pairs with the monitor's acquire read of the same word.
    /// </summary>
    public void Set(int chunk) => Interlocked.Or(ref Word(chunk), 1u << (chunk & 31));

    /// <summary>The file again, for a monitor: it can be mapped for reading only.</summary>
    public FileDescriptor OpenReadOnly() => FileDescriptor.Open(_path, OpenFlags.ReadOnly | OpenFlags.NoFollow);

    /// <inheritdoc/>
    public void Dispose() => _mapping.Dispose();

    // SAFETY: the mapping has a bit for every chunk (Open), callers pass chunk numbers of the same index, and a word is aligned because a page is.
    private ref uint Word(int chunk) => ref ((uint*)_mapping.Pointer)[chunk >> 5];
}
