using ZeroOS.Linux;

namespace ZeroOS.Media.Flash;

/// <summary>What an image is written to. Offsets and lengths are multiples of 512 bytes, buffers begin on a page.</summary>
internal abstract class FlashTarget(string name, FileDescriptor file) : IDisposable
{
    /// <summary>For messages.</summary>
    public string Name { get; } = name;

    /// <summary>Bytes it holds; null when it grows.</summary>
    public abstract long? CapacityBytes { get; }

    /// <summary>In words, what is left when the write ends before its end.</summary>
    public abstract string Unfinished { get; }

    /// <summary>The open file.</summary>
    protected FileDescriptor File { get; } = file;

    /// <summary>Writes all of the buffer.</summary>
    /// <exception cref="LinuxException">What write(2) refused.</exception>
    public virtual void Write(ReadOnlySpan<byte> buffer, long offset) => File.WriteAt(buffer, offset);

    /// <summary>Fills the buffer from the medium, not from what the kernel remembers of it: see <see cref="Settle"/>.</summary>
    /// <exception cref="LinuxException">What read(2) refused.</exception>
    public virtual void Read(Span<byte> buffer, long offset) => File.ReadExactlyAt(buffer, offset);

    /// <summary>Waits until everything is on the medium, and makes the next read come from there.</summary>
    /// <exception cref="LinuxException">What the medium refused.</exception>
    public abstract void Settle();

    /// <summary>Everything is written and compared: makes it so for others.</summary>
    public abstract void Finish();

    /// <inheritdoc/>
    public virtual void Dispose() => File.Dispose();
}
