using System.Buffers;

using ZeroOS.Contracts.Guest;

namespace ZeroOS.Host.Machines;

/// <summary>Output that came in one read of a guest's connection: pieces that follow each other in one stream become one.</summary>
internal sealed class OutputBatch
{
    private const int PieceBytes = 24;
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly List<(long Offset, OutputStream Stream, int Start, int Length)> _pieces = [];

    /// <summary>Nothing came.</summary>
    public bool IsEmpty => _pieces.Count == 0;

    /// <summary>Bytes of memory it holds, about.</summary>
    public long SizeBytes => _bytes.WrittenCount + (PieceBytes * (long)_pieces.Count);

    /// <summary>Adds output; copies it.</summary>
    public void Add(long offset, OutputStream stream, ReadOnlySpan<byte> bytes)
    {
        int start = _bytes.WrittenCount;
        _bytes.Write(bytes);
        if (_pieces.Count > 0 && _pieces[^1] is var last && last.Stream == stream && last.Offset + last.Length == offset)
            _pieces[^1] = last with { Length = last.Length + bytes.Length };
        else
            _pieces.Add((offset, stream, start, bytes.Length));
    }

    /// <summary>Tells the pieces in order.</summary>
    public void Tell(Action<long, OutputStream, ReadOnlyMemory<byte>> each)
    {
        foreach ((long offset, OutputStream stream, int start, int length) in _pieces)
            each(offset, stream, _bytes.WrittenMemory.Slice(start, length));
    }
}
