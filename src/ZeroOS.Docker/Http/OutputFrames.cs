using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

using ZeroOS.Contracts.Guest;

namespace ZeroOS.Docker.Http;

/// <summary>
/// A program's output as Docker sends it: without a terminal in frames of 8 bytes and data, where the first byte is the stream and the last four the length,
/// big endian; with a terminal raw. With <paramref name="stamps"/> each line begins with its time.
/// </summary>
internal sealed class OutputFrames(Stream to, bool framed, bool stamps = false)
{
    private const int HeadBytes = 8;

    private readonly ArrayBufferWriter<byte> _frame = new();
    private bool _outInLine, _errorInLine;

    /// <summary>Writes and flushes one piece.</summary>
    public async Task WriteAsync(OutputStream stream, ReadOnlyMemory<byte> bytes, DateTimeOffset? time = null, CancellationToken cancellation = default)
    {
        if (bytes.IsEmpty)
            return;
        bool isError = stream == OutputStream.StandardError;
        _frame.ResetWrittenCount();
        if (framed)
        {
            _frame.GetSpan(HeadBytes)[..HeadBytes].Clear();
            _frame.Advance(HeadBytes);
        }
        if (!stamps)
            _frame.Write(bytes.Span);
        else if (isError)
            Stamp(bytes.Span, time, ref _errorInLine);
        else
            Stamp(bytes.Span, time, ref _outInLine);
        await to.WriteAsync(Finished(isError), cancellation);
        await to.FlushAsync(cancellation);
    }

    private ReadOnlyMemory<byte> Finished(bool isError)
    {
        if (!framed)
            return _frame.WrittenMemory;
        byte[] whole = _frame.WrittenSpan.ToArray();
        whole[0] = (byte)(isError ? 2 : 1);
        BinaryPrimitives.WriteInt32BigEndian(whole.AsSpan(4), whole.Length - HeadBytes);
        return whole;
    }

    private void Stamp(ReadOnlySpan<byte> rest, DateTimeOffset? time, ref bool inLine)
    {
        string stamp = time is { } t ? t.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'000000Z '", CultureInfo.InvariantCulture) : "";
        while (!rest.IsEmpty)
        {
            if (!inLine)
                Encoding.ASCII.GetBytes(stamp, _frame);
            int end = rest.IndexOf((byte)'\n') + 1;
            inLine = end == 0;
            _frame.Write(inLine ? rest : rest[..end]);
            rest = inLine ? [] : rest[end..];
        }
    }
}
