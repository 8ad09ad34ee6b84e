using ZeroOS.Host.Loops;
using ZeroOS.Host.Processes;
using ZeroOS.Linux;

namespace ZeroOS.Host.Machines;

/// <summary>
/// What all machines of a node share: the loop that serves their monitors and guests, and the workers for what may wait. The number of threads is constant:
/// one loop, one thread that asks PID 1, two that store output and tell what happened.
/// </summary>
internal sealed class MachineContext : IDisposable
{
    /// <summary>Bytes of output read from guests and not stored yet, in sum; a machine that has some waits when it is reached.</summary>
    internal const long MaxUnstored = 16 << 20;

    /// <summary>Bytes waiting for guests that do not read, in sum; a connection that would exceed it ends.</summary>
    internal const long MaxUnsent = 32 << 20;

    private const int TellingThreads = 2;

    /// <summary>Starts the threads.</summary>
    public MachineContext(InitConnection init, ILog log, MemoryReadings memory, SessionTimes? sessions = null)
    {
        (Init, Log, Sessions) = (init, log, sessions ?? new SessionTimes());
        Loop = new ClientLoop("machines", log);
        Asking = new WorkerPool("machines-init", 1, log);
        Telling = new WorkerPool("machines-tell", TellingThreads, log);
        Memory = new MemoryGuard(this, memory);
    }

    /// <summary>PID 1.</summary>
    public InitConnection Init { get; }

    /// <summary>The node's log.</summary>
    public ILog Log { get; }

    /// <summary>How long guests have to dial for sessions.</summary>
    public SessionTimes Sessions { get; }

    /// <summary>The thread that serves every monitor and guest.</summary>
    public ClientLoop Loop { get; }

    /// <summary>Who asks PID 1, which may take long to answer.</summary>
    public WorkerPool Asking { get; }

    /// <summary>Who stores output and tells what happened, which may wait for a disk.</summary>
    public WorkerPool Telling { get; }

    /// <summary>Who looks at how much memory the node has left.</summary>
    public MemoryGuard Memory { get; }

    /// <summary>Output that is read and not stored.</summary>
    public SharedBudget Unstored { get; } = new(MaxUnstored);

    /// <summary>Frames that guests have not taken.</summary>
    public SharedBudget Unsent { get; } = new(MaxUnsent);

    /// <summary>Room for one message of a monitor; only on the loop's thread.</summary>
    public byte[] MessageBuffer { get; } = new byte[SeqPacketSocket.MaxMessage];

    /// <summary>Ends the threads: first the loop, then what it handed to the workers is done.</summary>
    public void Dispose()
    {
        Loop.Dispose();
        Asking.Dispose();
        Telling.Dispose();
    }
}
