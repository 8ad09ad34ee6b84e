using ZeroOS.Contracts.Guest;

namespace ZeroOS.Guest.Output;

/// <summary>
/// A place in an <see cref="OutputRing"/> from which one client reads what the workload writes. It has no memory of its own: a full ring waits for it, and when
/// that takes too long the place is lost. Its thread alone uses it.
/// </summary>
internal sealed class OutputReader(OutputRing ring, long offset, Action wake) : IDisposable
{
    private volatile bool _lost;

    /// <summary>Bytes of output before this place. The ring moves it.</summary>
    internal long Offset { get; set; } = offset;

    /// <summary>The place is lost, and nothing is read any more. The ring says so.</summary>
    internal bool IsLost
    {
        get => _lost;
        set => _lost = value;
    }

    /// <summary>Everything was taken, and nothing follows.</summary>
    internal bool HasAll => ring.HasAll(this);

    /// <summary>Copies the oldest output that was not taken, of one stream, at most the buffer; 0 when there is none yet.</summary>
    internal int Look(Span<byte> buffer, out OutputStream stream) => ring.Look(this, buffer, out stream);

    /// <summary>So many bytes of it went on.</summary>
    internal void Taken(int count) => ring.Taken(this, count);

    /// <summary>There is something new.</summary>
    internal void Wake() => wake();

    /// <summary>The ring waits for it no longer.</summary>
    public void Dispose() => ring.Remove(this);
}
