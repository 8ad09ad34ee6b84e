using Microsoft.Win32.SafeHandles;

namespace ZeroOS.Media.Serve;

/// <summary>One file that computers may load: of a folder, looked at anew for each transfer, or made here and kept in memory.</summary>
internal sealed class BootFile
{
    private readonly Func<BootContent> _open;

    /// <summary>A file of the file system.</summary>
    public BootFile(string name, string path) => (Name, _open) = (name, () => new BootContent(File.OpenHandle(path)));

    /// <summary>Bytes made here.</summary>
    public BootFile(string name, ReadOnlyMemory<byte> bytes) : this(name, () => bytes)
    {
    }

    /// <summary>Bytes that are asked for before each transfer; an <see cref="IOException"/> says that there are none.</summary>
    public BootFile(string name, Func<ReadOnlyMemory<byte>> bytes) => (Name, _open) = (name, () => new BootContent(bytes()));

    /// <summary>What it is asked for by.</summary>
    public string Name { get; }

    /// <summary>Opens it for one transfer.</summary>
    /// <exception cref="IOException">It is gone or cannot be read.</exception>
    public BootContent Open() => _open();
}

/// <summary>An open <see cref="BootFile"/>: as long as it was when it was opened.</summary>
internal sealed class BootContent : IDisposable
{
    private readonly SafeFileHandle? _file;
    private readonly ReadOnlyMemory<byte> _bytes;

    /// <summary>Takes the handle.</summary>
    public BootContent(SafeFileHandle file) => (_file, Length) = (file, RandomAccess.GetLength(file));

    /// <summary>Of memory.</summary>
    public BootContent(ReadOnlyMemory<byte> bytes) => (_bytes, Length) = (bytes, bytes.Length);

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>Fills the buffer from <paramref name="offset"/>; the caller asks for nothing beyond the length.</summary>
    /// <exception cref="IOException">The file became shorter under us, or cannot be read.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        if (_file is null)
        {
            _bytes.Span.Slice((int)offset, buffer.Length).CopyTo(buffer);
            return;
        }
        while (!buffer.IsEmpty)
        {
            int read = RandomAccess.Read(_file, buffer, offset);
            if (read == 0)
                throw new EndOfStreamException("the file became shorter while it was being sent");
            buffer = buffer[read..];
            offset += read;
        }
    }

    public void Dispose() => _file?.Dispose();
}
