using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;

namespace ZeroOS.Engine.Logs;

/// <summary>Fills pieces, one after the other, in one buffer.</summary>
internal sealed class LogPieceMaker
{
    private readonly byte[] _buffer = new byte[LogPiece.MaxBytes];
    private List<LogRun> _runs = [];
    private bool _withTimes;
    private int _taken;
    private long? _base;

    /// <summary>No more goes in.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Begins a piece; with times, what came at another time is another run.</summary>
    public void Begin(bool withTimes) => (_withTimes, _runs, _taken, _base, IsFull) = (withTimes, [], 0, null, false);

    /// <summary>Adds as much as there is room for; says how many bytes.</summary>
    public int Add(OutputStream stream, long? time, ReadOnlySpan<byte> output)
    {
        int part = Math.Min(output.Length, _buffer.Length - _taken);
        _base ??= _withTimes ? time : null;
        LogRun run = new(stream, part, _withTimes ? time - _base : null);
        if (_runs.Count > 0 && _runs[^1] with { Bytes = part } == run)
            _runs[^1] = run with { Bytes = _runs[^1].Bytes + part };
        else if (_runs.Count < LogPiece.MaxRuns)
            _runs.Add(run);
        else
            part = 0;
        output[..part].CopyTo(_buffer.AsSpan(_taken));
        _taken += part;
        IsFull = part < output.Length || _taken == _buffer.Length;
        return part;
    }

    /// <summary>The piece.</summary>
    public LogChunk End(long position) => new(_buffer.AsMemory(0, _taken), _runs, _base, position, IsFull);
}
