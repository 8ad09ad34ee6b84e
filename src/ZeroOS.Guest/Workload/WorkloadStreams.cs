using ZeroOS.Guest.Output;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// What clients that attach have of the workload, all of them together: its output as the ring has it, its input, signals, the size of its terminal and its
/// end. Thread-safe.
/// </summary>
internal sealed class WorkloadStreams(Child child, ExecStreams streams, OutputRing output)
{
    private readonly Lock _lock = new();
    private bool _inputEnded;

    /// <summary>Its output, which ends after it.</summary>
    internal OutputRing Output => output;

    /// <summary>All of it is one terminal.</summary>
    internal bool OnTerminal => streams.OnTerminal;

    /// <summary>It was started with an input.</summary>
    internal bool HasInput => streams.Input is not null;

    /// <summary>How it ended; null while it runs.</summary>
    internal ProcessExit? Exit => child.Exit;

    /// <summary>A client has ended its input: who still has a duplicate closes it.</summary>
    internal bool InputEnded
    {
        get
        {
            lock (_lock)
                return _inputEnded;
        }
    }

    /// <summary>A duplicate of where its input is written, which does not block; null when there is none, or none any more.</summary>
    /// <exception cref="LinuxException">There are no more descriptors.</exception>
    internal FileDescriptor? OpenInput()
    {
        lock (_lock)
            return _inputEnded ? null : streams.Input?.Duplicate();
    }

    /// <summary>
    /// Ends its input, once no client has a duplicate any more; each is told to look. A terminal stays open: what ends there is a line, for the program to
    /// read as it likes.
    /// </summary>
    internal void EndInput()
    {
        lock (_lock)
        {
            if (OnTerminal || _inputEnded)
                return;
            _inputEnded = true;
            streams.Input?.Dispose();
        }
        output.WakeReaders();
    }

    /// <summary>One signal, 1 to 64, if it still runs.</summary>
    internal void Signal(int number) => child.Signal(number);

    /// <summary>Its terminal, if it has one, is now so large.</summary>
    internal void Resize(ushort columns, ushort rows)
    {
        lock (_lock)
            streams.Resize(columns, rows);
    }
}
