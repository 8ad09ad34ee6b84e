using ZeroOS.Contracts.Deployments;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Health;

/// <summary>
/// Output and errors of a probe as they come: the first bytes are kept, the rest is read and dropped, so that nobody waits for room. Not thread-safe.
/// </summary>
internal sealed class ProbeOutput(ExecStreams streams)
{
    // A process that writes without end gets no further turn after these.
    private const int ReadsAtOnce = 64;

    private readonly byte[] _kept = new byte[HealthLimits.OutputBytes], _buffer = new byte[4096];
    private int _length;
    private bool _outputEnded, _errorsEnded;

    /// <summary>What is kept.</summary>
    internal byte[] Kept => _kept[.._length];

    /// <summary>What may have more to read.</summary>
    internal FileDescriptor? Output => _outputEnded ? null : streams.Output;

    /// <summary>The same of errors.</summary>
    internal FileDescriptor? Errors => _errorsEnded ? null : streams.Errors;

    /// <summary>Reads what is there.</summary>
    internal void Read()
    {
        _outputEnded = Output is not { } output || Read(output);
        _errorsEnded = Errors is not { } errors || Read(errors);
    }

    // Whether that was its end.
    private bool Read(FileDescriptor pipe)
    {
        for (int i = 0; i < ReadsAtOnce; i++)
        {
            Errno errno = pipe.TryRead(_buffer, out int count);
            if (errno == Errno.EAGAIN)
                return false;
            if (errno != Errno.None || count == 0)
                return true;
            int taken = Math.Min(count, _kept.Length - _length);
            _buffer.AsSpan(0, taken).CopyTo(_kept.AsSpan(_length));
            _length += taken;
        }
        return false;
    }
}
