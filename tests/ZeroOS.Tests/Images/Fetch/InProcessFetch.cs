using ZeroOS.Images.Fetch;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Images.Fetch;

/// <summary>The two fetch roles on threads of this process, over the same sockets; PID 1, which would start them, is what cannot exist here.</summary>
internal sealed class InProcessFetch
{
    private readonly List<SeqPacketSocket> _sockets = [];
    private int _living;

    /// <summary>How often a process was started.</summary>
    public int Started => _sockets.Count;

    /// <summary>How many have not ended.</summary>
    public int Living => Volatile.Read(ref _living);

    public FileDescriptor Start(string role)
    {
        (SeqPacketSocket node, SeqPacketSocket process) = SeqPacketSocket.Pair();
        lock (_sockets)
            _sockets.Add(process);
        Interlocked.Increment(ref _living);
        new Thread(() =>
        {
            FetchRole.Serve(process, role == FetchClient.ConvertRoleName);
            Interlocked.Decrement(ref _living);
        })
        { IsBackground = true }.Start();
        return node.Descriptor;
    }

    /// <summary>As if SIGKILL had ended every process.</summary>
    public void Kill()
    {
        lock (_sockets)
            _sockets.ForEach(s => s.Shutdown());
    }
}
