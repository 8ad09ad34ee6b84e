using Microsoft.Win32.SafeHandles;

namespace ZeroOS.Oci.Build;

/// <summary>
/// File contents on their way from layers to chunks: one temporary file without a name, so that it goes away with the process however that ends.
/// </summary>
internal sealed class Spool : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly byte[] _buffer = new byte[1 << 20];
    private int _buffered;
    private long _bufferStart;
    private long _end;

    internal Spool(string directory)
    {
        string path = Path.Combine(directory, "spool");
        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite);
        File.Delete(path);
    }

    /// <summary>Takes room for a file of <paramref name="size"/> bytes and returns where it begins; what is not written there reads as zeros.</summary>
    internal long Reserve(long size)
    {
        long start = _end;
        _end += size;
        return start;
    }

    /// <summary>Writes at an absolute offset; offsets rise from call to call.</summary>
    internal void Write(long offset, ReadOnlySpan<byte> data)
    {
        if (offset != _bufferStart + _buffered || data.Length > _buffer.Length - _buffered)
        {
            Flush();
            _bufferStart = offset;
        }
        if (data.Length > _buffer.Length)
        {
            RandomAccess.Write(_file, data, offset);
            _bufferStart = offset + data.Length;
            return;
        }
        data.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += data.Length;
    }

    /// <summary>Fills the span from an absolute offset.</summary>
    internal void Read(long offset, Span<byte> destination)
    {
        Flush();
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(_file, destination, offset);
            if (read == 0)
            {
                destination.Clear(); // a hole at the end of the file
                return;
            }
            destination = destination[read..];
            offset += read;
        }
    }

    public void Dispose() => _file.Dispose();

    private void Flush()
    {
        if (_buffered == 0)
            return;
        RandomAccess.Write(_file, _buffer.AsSpan(0, _buffered), _bufferStart);
        _bufferStart += _buffered;
        _buffered = 0;
    }
}
