using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// What the client of a session has said and nobody has taken yet: its begin, and data on one channel. The receiving thread fills it, the session's own empties
/// it, and an event wakes that one. It is bounded: input by its window, everything else by what a later word replaces. Thread-safe.
/// </summary>
/// <param name="windows">The large windows of all sessions; null: this one gets none.</param>
internal class SessionOrders(Places? windows = null) : ISessionFrames, IDisposable
{
    /// <summary>The one channel on which the client sends data, and the first on which it gets some.</summary>
    internal const uint InputChannel = 0, OutputChannel = 1;

    /// <summary>Bytes of input that may wait where it flows; elsewhere it is <see cref="SessionLimits.FirstWindow"/>.</summary>
    internal const int LargeWindowBytes = 256 * 1024;

    /// <summary>Sessions of a machine that have such a window at once; the others keep the first.</summary>
    internal const int LargeWindows = 16;

    private const long BeginWithinMs = 20_000;

    private readonly EventFd _event = new();
    private byte[]? _begin;
    private ulong _closed;
    private long _inputTaken;
    private bool _inputEnded, _inputGrown, _disposed;

    /// <summary>What holds everything here together.</summary>
    protected Lock Sync { get; } = new();

    /// <summary>What came on the channel of input.</summary>
    internal ByteQueue Input { get; } = new(SessionLimits.FirstWindow);

    /// <summary>Readable when there is something new, until <see cref="ForgetWaking"/>.</summary>
    internal FileDescriptor Event => _event.Descriptor;

    /// <summary>Nothing follows <see cref="Input"/>. Ask before that is empty, not after.</summary>
    internal bool InputEnded => Get(() => _inputEnded);

    /// <inheritdoc/>
    public virtual void Take(in SessionFrame frame)
    {
        lock (Sync)
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
                    _closed |= frame.Type == SessionFrameType.Close ? 1UL << (int)InputChannel : 0;
                    break;
                case SessionFrameType.Close when frame.Channel < 64:
                    _closed |= 1UL << (int)frame.Channel;
                    break;
                default:
                    TakeOther(frame);
                    break;
            }
        }
        Wake();
    }

    /// <inheritdoc/>
    public void Wake()
    {
        // A program may end long after its session, and says so all the same.
        lock (Sync)
        {
            if (!_disposed)
                _event.Signal();
        }
    }

    /// <summary>Whoever looks from now on sees everything that was said before.</summary>
    internal void ForgetWaking() => _ = _event.Take();

    /// <summary>Whether the client has closed a channel: it wants nothing more of an output, or has not ended its input in order.</summary>
    internal bool HasClosed(uint channel) => Get(() => (_closed & (1UL << (int)channel)) != 0);

    /// <summary>
    /// The oldest bytes of <see cref="Input"/> went on: the client may send as many again. One that has used half of its first window gets the large one, so
    /// that a stream does not wait for the way there and back with every few frames.
    /// </summary>
    internal void InputTaken(SessionLink link, int count)
    {
        Input.Drop(count);
        _inputTaken += count;
        if (!_inputGrown && _inputTaken >= SessionLimits.FirstWindow / 2 && windows?.TryTake() == true)
        {
            _inputGrown = true;
            Input.Grow(LargeWindowBytes);
            link.SetWindow(InputChannel, LargeWindowBytes);
        }
        link.Taken(InputChannel, count);
    }

    /// <summary>Waits for what is to be done, as the client says it; null when the session ended before, or nothing was said in time.</summary>
    internal byte[]? WaitForBegin(SessionLink link)
    {
        long deadline = Environment.TickCount64 + BeginWithinMs;
        while (link.Over is null && Environment.TickCount64 < deadline)
        {
            ForgetWaking();
            if (Get(() => _begin) is { } begin)
                return begin;
            Polling.WaitForAny([Event], null, (int)Math.Max(deadline - Environment.TickCount64, 0));
        }
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (Sync)
        {
            if (_inputGrown && !_disposed)
                windows!.Return();
            _disposed = true;
            _event.Dispose();
        }
    }

    /// <summary>A frame that not every kind of session has; with <see cref="Sync"/> held.</summary>
    protected virtual void TakeOther(in SessionFrame frame)
    {
    }

    private T Get<T>(Func<T> value)
    {
        lock (Sync)
            return value();
    }
}
