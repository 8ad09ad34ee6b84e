using ZeroOS.Linux;
using ZeroOS.Vmm.Cpu;
using ZeroOS.Vmm.Events;

namespace ZeroOS.Vmm.Devices.Serial;

/// <summary>
/// A 16550 for early output (National PC16550D). A processor only puts a byte into a bounded ring; the event loop writes to the descriptor when that takes it,
/// and what does not fit is dropped and counted. Input does not exist. The transmitter is always empty, so the guest never waits.
/// </summary>
internal sealed class SerialPort : IBusDevice, IEventSource, IDisposable
{
    private const int RingBytes = 64 * 1024, MaxWrite = 4096;
    private const byte EnableTransmit = 2, DivisorLatch = 0x80, Loopback = 0x10, TransmitterEmpty = 0x60, NothingPending = 1, TransmitPending = 2;
    private const int WakeTag = 0, OutputTag = 1;
    private readonly byte[] _ring = new byte[RingBytes];
    private readonly byte[] _chunk = new byte[MaxWrite];
    private readonly Lock _gate = new();
    private readonly EventFd _wake = new();
    private readonly EventLoop _loop;
    private readonly FileDescriptor? _output;
    private readonly Action<byte>? _watch;
    private readonly int _outputSlot = -1;
    private readonly bool _isFile;
    private int _start, _count;
    private bool _waiting;
    private bool _isGone;
    private byte _interruptEnable, _fifoControl, _lineControl, _modemControl, _scratch, _divisorLow = 1, _divisorHigh;
    private bool _transmitPending;

    /// <summary>A port whose output goes to <paramref name="output"/> (null: nowhere); <paramref name="watch"/> sees each byte on a processor thread.</summary>
    public SerialPort(EventLoop loop, FileDescriptor? output, Action<byte>? watch)
    {
        (_loop, _output, _watch) = (loop, output, watch);
        loop.Add(_wake.Descriptor, Readiness.Readable, this, WakeTag);
        if (output == null)
            return;
        try
        {
            _outputSlot = loop.Add(output, Readiness.None, this, OutputTag);
        }
        catch (LinuxException e) when (e.Errno == Errno.EPERM)
        {
            // epoll does not take regular files: they are always ready.
            _isFile = true;
        }
    }

    /// <summary>The interrupt: signalled when the transmitter becomes empty and the guest asked to know.</summary>
    public EventFd Interrupt { get; } = new();

    /// <summary>Bytes written by the guest, and those of them that were dropped.</summary>
    public long Bytes, Dropped;

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        lock (_gate)
        {
            byte value = offset switch
            {
                0 => (_lineControl & DivisorLatch) != 0 ? _divisorLow : (byte)0,
                1 => (_lineControl & DivisorLatch) != 0 ? _divisorHigh : _interruptEnable,
                2 => IdentifyInterrupt(),
                3 => _lineControl,
                4 => _modemControl,
                5 => TransmitterEmpty,
                // Clear to send, data set ready, carrier; in loopback the outputs come back.
                6 => (_modemControl & Loopback) != 0 ? Looped() : (byte)0xb0,
                _ => _scratch,
            };
            data.Clear();
            data[0] = value;
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        byte value = data[0];
        bool wake = false;
        lock (_gate)
        {
            switch (offset)
            {
                case 0 when (_lineControl & DivisorLatch) != 0:
                    _divisorLow = value;
                    break;
                case 0:
                    wake = (_modemControl & Loopback) == 0 && Put(value);
                    RaiseTransmit();
                    break;
                case 1 when (_lineControl & DivisorLatch) != 0:
                    _divisorHigh = value;
                    break;
                case 1:
                    bool asked = (value & ~_interruptEnable & EnableTransmit) != 0;
                    _interruptEnable = (byte)(value & 0xf);
                    if (asked)
                        RaiseTransmit();
                    break;
                case 2:
                    _fifoControl = value;
                    break;
                case 3:
                    _lineControl = value;
                    break;
                case 4:
                    _modemControl = (byte)(value & 0x1f);
                    break;
                case 7:
                    _scratch = value;
                    break;
            }
        }
        if (wake)
            _wake.Signal();
    }

    /// <inheritdoc/>
    public void OnReady(int tag, Readiness ready)
    {
        if (tag == WakeTag)
            _ = _wake.Take();
        else if ((ready & (Readiness.Error | Readiness.HangUp)) != 0)
            LetGo();
        Drain();
    }

    /// <summary>Writes what is left, as far as the descriptor takes it without waiting: the last words of a guest.</summary>
    public void Drain()
    {
        if (_output == null || _isGone)
        {
            Discard();
            return;
        }
        // A pipe that is ready takes 4,096 bytes whole, so one write for each time the loop says so never waits, whatever its flags are.
        while (_isFile || IsWritable())
        {
            int n = Peek();
            if (n == 0 || _output.TryWrite(_chunk.AsSpan(0, n), out int written) != Errno.None || written == 0)
                break;
            lock (_gate)
            {
                _start = (_start + written) % RingBytes;
                _count -= written;
            }
        }
        Watch();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _wake.Dispose();
        Interrupt.Dispose();
    }

    // Nobody reads any more, and a pipe without a reader is ready for ever: not watched, or the loop would never sleep again.
    private void LetGo()
    {
        _isGone = true;
        _loop.Remove(_outputSlot);
    }

    private bool IsWritable() => Polling.IsWritable(_output!);

    private void Watch()
    {
        bool left;
        lock (_gate)
            left = _count > 0;
        if (_outputSlot < 0 || left == _waiting)
            return;
        _waiting = left;
        _loop.Change(_outputSlot, left ? Readiness.Writable : Readiness.None);
    }

    private int Peek()
    {
        lock (_gate)
        {
            int n = Math.Min(Math.Min(_count, MaxWrite), RingBytes - _start);
            _ring.AsSpan(_start, n).CopyTo(_chunk);
            return n;
        }
    }

    private void Discard()
    {
        lock (_gate)
        {
            Dropped += _count;
            _count = 0;
        }
    }

    private bool Put(byte value)
    {
        Bytes++;
        _watch?.Invoke(value);
        if (_count == RingBytes)
        {
            Dropped++;
            return false;
        }
        _ring[(_start + _count) % RingBytes] = value;
        return _count++ == 0;
    }

    private void RaiseTransmit()
    {
        if ((_interruptEnable & EnableTransmit) == 0)
            return;
        _transmitPending = true;
        Interrupt.Signal();
    }

    private byte IdentifyInterrupt()
    {
        byte fifo = (byte)((_fifoControl & 1) != 0 ? 0xc0 : 0);
        byte cause = _transmitPending ? TransmitPending : NothingPending;
        _transmitPending = false;
        return (byte)(fifo | cause);
    }

    private byte Looped()
    {
        int m = _modemControl;
        return (byte)(((m & 2) << 3) | ((m & 1) << 5) | ((m & 4) << 4) | ((m & 8) << 4));
    }
}
