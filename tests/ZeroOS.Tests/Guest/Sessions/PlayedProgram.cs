using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Sessions;

/// <summary>A program beside the workload that the test plays: it has the other ends of its streams, and ends when the test says so.</summary>
internal sealed class PlayedProgram : IDisposable
{
    // No process has it: a signal goes nowhere.
    private const int NoProcess = int.MaxValue;

    public ExecStreams Streams { get; } = ExecStreams.Pipes(hasInput: true, FileEntry.TryStatus("/proc/self/stat")!.Value.User);

    private readonly FileDescriptor[] _ends;

    public PlayedProgram()
    {
        _ends = [.. Streams.ProgramEnds.Select(e => e.Duplicate())];
        Streams.CloseProgramEnds();
    }

    public Child Child { get; } = new(NoProcess);

    public FileDescriptor Input => _ends[0];

    public FileDescriptor Output => _ends[1];

    public FileDescriptor Errors => _ends[2];

    /// <summary>It exits, and leaves nothing behind that holds its output open unless it is said to.</summary>
    public void Exit(int code, int signal = 0, bool leaves = false)
    {
        if (!leaves)
            CloseEnds();
        Child.End(new ProcessExit(NoProcess, code, signal));
    }

    public void Dispose()
    {
        CloseEnds();
        Streams.Dispose();
    }

    private void CloseEnds()
    {
        foreach (FileDescriptor end in _ends)
            end.Dispose();
    }
}
