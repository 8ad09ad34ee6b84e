using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// The way of a session's input into its program: as fast as that reads, and room is granted for what it has. A program that reads no more, or never did,
/// loses the rest. Not thread-safe.
/// </summary>
/// <param name="link">The session.</param>
/// <param name="orders">What the client says.</param>
/// <param name="descriptor">What is written, closed at its end; null: the program has no input.</param>
/// <param name="onTerminal">It is a terminal.</param>
internal sealed class ProgramInput(SessionLink link, SessionOrders orders, FileDescriptor? descriptor, bool onTerminal) : IDisposable
{
    // VEOF of a new terminal: Ctrl-D.
    private static readonly byte[] s_endOfFile = [4];

    private FileDescriptor? _descriptor = descriptor;

    /// <summary>The client has ended it, and all of it went on.</summary>
    internal bool IsEnded { get; private set; }

    /// <summary>What has to take a write before there is anything to do; null when nothing waits.</summary>
    internal FileDescriptor? Blocked { get; private set; }

    /// <summary>Writes what there is and the program takes.</summary>
    internal void Pass()
    {
        Blocked = null;
        bool ended = orders.InputEnded;
        while (orders.Input.Oldest is { IsEmpty: false } data)
        {
            int count = Write(data);
            if (count == 0)
                return;
            orders.InputTaken(link, count);
        }
        if (!ended || IsEnded || (onTerminal && Write(s_endOfFile) == 0))
            return;
        IsEnded = true;
        // A terminal stays open for its output.
        Dispose();
    }

    /// <summary>Nothing is written any more: what still comes is forgotten.</summary>
    public void Dispose()
    {
        _descriptor?.Dispose();
        _descriptor = null;
    }

    // 0 when the program has to read first.
    private int Write(ReadOnlySpan<byte> data)
    {
        if (_descriptor is null)
            return data.Length;
        Errno errno = _descriptor.TryWrite(data, out int written);
        if (errno == Errno.None)
            return written;
        if (errno == Errno.EAGAIN)
        {
            Blocked = _descriptor;
            return 0;
        }
        Dispose();
        return data.Length;
    }
}
