using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// The way of a session's input into its program: as fast as that reads, and room is granted for what it has. A program that reads no more, or never did,
/// loses the rest. Not thread-safe.
/// </summary>
internal sealed class ProgramInput(SessionLink link, SessionOrders orders, ExecStreams streams)
{
    // VEOF of a new terminal: Ctrl-D.
    private static readonly byte[] s_endOfFile = [4];

    private FileDescriptor? _descriptor = streams.Input;

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
        if (!ended || _descriptor is null || (streams.OnTerminal && Write(s_endOfFile) == 0))
            return;
        // A terminal stays open for its output.
        Stop();
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
        Stop();
        return data.Length;
    }

    private void Stop()
    {
        _descriptor?.Dispose();
        _descriptor = null;
    }
}
