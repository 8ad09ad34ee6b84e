using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// Input and output of a program, the workload or one beside it: zguest's ends, none of which blocks, and the program's until it has them. Closing zguest's
/// leaves a program with pipes running and hangs up on one with a terminal. Not thread-safe.
/// </summary>
internal sealed class ExecStreams : IDisposable
{
    private FileDescriptor? _output, _programInput, _programOutput, _programErrors;

    private ExecStreams(bool onTerminal) => OnTerminal = onTerminal;

    /// <summary>All of it is one terminal.</summary>
    internal bool OnTerminal { get; }

    /// <summary>Where the program's input is written; null when there is none. With a terminal, a duplicate of <see cref="Output"/>.</summary>
    internal FileDescriptor? Input { get; private set; }

    /// <summary>Where its output is read; with a terminal, the terminal's master.</summary>
    internal FileDescriptor Output => _output!;

    /// <summary>Where its errors are read; null with a terminal.</summary>
    internal FileDescriptor? Errors { get; private set; }

    /// <summary>The program's ends, in the order of descriptors 0, 1 and 2.</summary>
    internal IReadOnlyList<FileDescriptor> ProgramEnds => [_programInput!, _programOutput!, _programErrors!];

    /// <summary>Three pipes that <paramref name="owner"/> may open again as /dev/stdout; without input, an empty file for it.</summary>
    /// <exception cref="LinuxException">There are no more descriptors.</exception>
    internal static ExecStreams Pipes(bool hasInput, uint owner) => Make(new ExecStreams(onTerminal: false), streams =>
    {
        if (hasInput)
            (streams._programInput, streams.Input) = Pipe.Make();
        else
            streams._programInput = FileDescriptor.Open("/dev/null", OpenFlags.ReadOnly);
        (streams._output, streams._programOutput) = Pipe.Make();
        (streams.Errors, streams._programErrors) = Pipe.Make();
        foreach (FileDescriptor? pipe in (ReadOnlySpan<FileDescriptor?>)[streams.Input, streams._output, streams.Errors])
        {
            pipe?.SetOwner(owner);
            pipe?.SetNonBlocking(true);
        }
    });

    /// <summary>
    /// A terminal of the devpts in <paramref name="root"/>, so that it has a name there. Whatever else is in that place is refused: only a ptmx has a peer.
    /// </summary>
    /// <exception cref="LinuxException">There is none.</exception>
    internal static ExecStreams Terminal(RootedDirectory root, TerminalSize size, bool hasInput, uint owner) =>
        Make(new ExecStreams(onTerminal: true), streams =>
    {
        const string Path = "/dev/pts/ptmx";
        FileDescriptor master = root.TryOpen(Path, OpenFlags.ReadWrite | OpenFlags.NoControllingTty | OpenFlags.NonBlocking, 0, out Errno errno)
            ?? throw new LinuxException(errno, "open", Path);
        streams._output = master;
        streams._programInput = streams._programOutput = streams._programErrors = PseudoTerminal.OpenPeer(master);
        streams._programInput.SetOwner(owner);
        streams.Input = hasInput ? master.Duplicate() : null;
        streams.Resize(size.Columns, size.Rows);
    });

    /// <summary>The terminal whose master is <paramref name="master"/>, opened as above by the program's own side.</summary>
    internal static ExecStreams OfMaster(FileDescriptor master, bool hasInput) => Make(new ExecStreams(onTerminal: true), streams =>
    {
        streams._output = master;
        streams.Input = hasInput ? master.Duplicate() : null;
    });

    /// <summary>The program has its ends: that they are closed is now for it to say.</summary>
    internal void CloseProgramEnds()
    {
        _programInput?.Dispose();
        _programOutput?.Dispose();
        _programErrors?.Dispose();
    }

    /// <summary>The terminal, if it is one, is now so large.</summary>
    internal void Resize(ushort columns, ushort rows)
    {
        if (OnTerminal && !Output.IsClosed)
            _ = PseudoTerminal.SetSize(Output, columns, rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CloseProgramEnds();
        Input?.Dispose();
        _output?.Dispose();
        Errors?.Dispose();
    }

    private static ExecStreams Make(ExecStreams streams, Action<ExecStreams> open)
    {
        try
        {
            open(streams);
            return streams;
        }
        catch
        {
            streams.Dispose();
            throw;
        }
    }
}
