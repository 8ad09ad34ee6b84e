using ZeroOS.Linux;
using ZeroOS.Linux.Security;

namespace ZeroOS.Vmm.Sandbox;

/// <summary>
/// The last wall, from the inside: with everything opened and nothing run yet, the process gives up all system calls but those of its table, and each
/// processor's thread most of the rest. A call outside is one line on descriptor 2 and the end by SIGSYS.
/// </summary>
internal sealed class MonitorSandbox
{
    private readonly SystemCallFilter _process;
    private readonly SystemCallFilter _processor;

    /// <summary>Makes both filters for this process.</summary>
    public MonitorSandbox()
    {
        int self = CurrentThread.ProcessId;
        _process = SystemCallFilter.Compile("zvmm", MonitorCalls.Process(self), OnForbidden.Report);
        _processor = SystemCallFilter.Compile("zvmm processor", MonitorCalls.Processor(self), OnForbidden.Report);
    }

    /// <summary>Closes the process, with the threads the runtime has.</summary>
    /// <exception cref="LinuxException">The kernel has no filters, or refuses this one: the monitor must not run.</exception>
    public void SealProcess()
    {
        ForbiddenCallReport.Install("zvmm: forbidden system call ");
        CurrentThread.NoNewPrivileges();
        _process.Install(allThreads: true);
    }

    /// <summary>Closes the calling thread, a processor's.</summary>
    public void SealProcessor() => _processor.Install(allThreads: false);
}
