using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>As its base, with what the client of an exec session says to its program besides. Thread-safe.</summary>
/// <param name="windows">As its base.</param>
internal sealed class ExecOrders(Places windows) : SessionOrders(windows)
{
    /// <summary>The channel of errors. Resizes, signals and the exit are on that of input.</summary>
    internal const uint ErrorsChannel = 2;

    /// <summary>How many channels there are.</summary>
    internal const int Channels = 3;

    private ulong _signals;
    private (ushort Columns, ushort Rows)? _size;

    /// <summary>The newest size of the terminal, once; null when there is no new one.</summary>
    internal (ushort Columns, ushort Rows)? TakeSize()
    {
        lock (Sync)
        {
            (ushort, ushort)? size = _size;
            _size = null;
            return size;
        }
    }

    /// <summary>Signals that were not sent yet, each once, as a set: bit 0 is signal 1.</summary>
    internal ulong TakeSignals()
    {
        lock (Sync)
        {
            ulong signals = _signals;
            _signals = 0;
            return signals;
        }
    }

    /// <inheritdoc/>
    protected override void TakeOther(in SessionFrame frame)
    {
        if (frame.Channel != InputChannel)
            return;
        if (frame.Type == SessionFrameType.Resize)
            _size = frame.Size;
        else if (frame.Type == SessionFrameType.Signal && frame.SignalNumber is >= 1 and <= 64)
            _signals |= 1UL << (frame.SignalNumber - 1);
    }
}
