using System.Buffers;
using System.Globalization;
using System.Text;

using ZeroOS.Client;
using ZeroOS.Contracts.Guest;

namespace ZeroOS.Cli.Output;

/// <summary>
/// Writes a machine's output byte for byte to this process's own streams; with <paramref name="timestamps"/> each line begins with the time of its first byte,
/// as Docker prints it. A line that comes in parts has one.
/// </summary>
internal sealed class MachineOutputWriter(Terminal terminal, bool timestamps)
{
    private readonly ArrayBufferWriter<byte> _stamped = new();
    private bool _outInLine, _errorInLine;

    /// <summary>Writes it all.</summary>
    public async Task WriteAsync(IReadOnlyList<MachineOutput> output, CancellationToken cancellation)
    {
        foreach (MachineOutput one in output)
        {
            bool isError = one.Stream == OutputStream.StandardError;
            ReadOnlyMemory<byte> bytes = !timestamps ? one.Bytes
                : isError ? Stamped(one, ref _errorInLine) : Stamped(one, ref _outInLine);
            Stream target = isError ? terminal.RawError : terminal.RawOut;
            await target.WriteAsync(bytes, cancellation);
            await target.FlushAsync(cancellation);
        }
    }

    private ReadOnlyMemory<byte> Stamped(MachineOutput output, ref bool inLine)
    {
        _stamped.ResetWrittenCount();
        // RFC 3339 with nine digits, so that lines stand below each other. The node knows three of them.
        string stamp = output.Time is { } time ? time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'000000Z '", CultureInfo.InvariantCulture) : "";
        for (ReadOnlySpan<byte> rest = output.Bytes.Span; !rest.IsEmpty;)
        {
            if (!inLine)
                Encoding.ASCII.GetBytes(stamp, _stamped);
            int end = rest.IndexOf((byte)'\n') + 1;
            inLine = end == 0;
            _stamped.Write(inLine ? rest : rest[..end]);
            rest = inLine ? [] : rest[end..];
        }
        return _stamped.WrittenMemory;
    }
}
