using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// What the client of an exec session has said and its program has not got yet. The receiving thread fills it, the session's own empties it, and an event wakes
/// that one. It is bounded: input by its window, everything else by what a later word replaces. Thread-safe.
/// </summary>
internal sealed class ExecOrders : ISessionFrames, IDisposable
{
    /// <summary>Channels of an exec session. Resizes, signals and the exit are on the first.</summary>
    internal const uint InputChannel = 0, OutputChannel = 1, ErrorsChannel = 2;

    /// <summary>How many these are.</summary>
    internal const int Channels = 3;

    private readonly Lock _lock = new();
    private readonly EventFd _event = new();
    private byte[]? _begin;
    private bool _inputEnded, _outputClosed, _errorsClosed, _disposed;
    private ulong _signals;
    private (ushort Columns, ushort Rows)? _size;

    /// <summary>The program's input.</summary>
    internal ByteQueue Input { get; } = new(SessionLimits.FirstWindow);

    /// <summary>Readable when there is something new, until <see cref="ForgetWaking"/>.</summary>
    internal FileDescriptor Event => _event.Descriptor;

    /// <summary>What is to be run; null while the client has not said.</summary>
    internal byte[]? Begin => Get(() => _begin);

    /// <summary>Nothing follows <see cref="Input"/>. Ask before that is empty, not after.</summary>
    internal bool InputEnded => Get(() => _inputEnded);

    /// <inheritdoc/>
    public void Take(in SessionFrame frame)
    {
        lock (_lock)
        {
            switch (frame.Type)
            {
                case SessionFrameType.Begin when frame.Channel == SessionFrame.SessionChannel:
                    _begin = frame.Body.ToArray();
                    break;
                case SessionFrameType.Data when frame.Channel == InputChannel:
                    Input.Add(frame.Body);
                    break;
                case SessionFrameType.HalfClose or SessionFrameType.Close when frame.Channel == InputChannel:
                    _inputEnded = true;
                    break;
                case SessionFrameType.Close:
                    _outputClosed |= frame.Channel == OutputChannel;
                    _errorsClosed |= frame.Channel == ErrorsChannel;
                    break;
                case SessionFrameType.Resize when frame.Channel == InputChannel:
                    _size = frame.Size;
                    break;
                case SessionFrameType.Signal when frame.Channel == InputChannel && frame.SignalNumber is >= 1 and <= 64:
                    _signals |= 1UL << (frame.SignalNumber - 1);
                    break;
            }
        }
        Wake();
    }

    /// <inheritdoc/>
    public void Wake()
    {
        // A program may end long after its session, and says so all the same.
        lock (_lock)
        {
            if (!_disposed)
                _event.Signal();
        }
    }

    /// <summary>Whoever looks from now on sees everything that was said before.</summary>
    internal void ForgetWaking() => _ = _event.Take();

    /// <summary>Whether the client wants nothing more of an output.</summary>
    internal bool HasClosed(uint channel) => Get(() => channel == OutputChannel ? _outputClosed : _errorsClosed);

    /// <summary>The newest size of the terminal, once; null when there is no new one.</summary>
    internal (ushort Columns, ushort Rows)? TakeSize()
    {
        lock (_lock)
        {
            (ushort, ushort)? size = _size;
            _size = null;
            return size;
        }
    }

    /// <summary>Signals that were not sent yet, each once, as a set: bit 0 is signal 1.</summary>
    internal ulong TakeSignals()
    {
        lock (_lock)
        {
            ulong signals = _signals;
            _signals = 0;
            return signals;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _event.Dispose();
        }
    }

    private T Get<T>(Func<T> value)
    {
        lock (_lock)
            return value();
    }
}
