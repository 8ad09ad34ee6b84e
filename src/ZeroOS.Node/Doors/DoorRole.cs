using System.Net.Sockets;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Init;
using ZeroOS.Linux;
using ZeroOS.Node.Doors.Http;

namespace ZeroOS.Node.Doors;

/// <summary>
/// Role <c>door</c>: the process that everybody may speak to. It has no key, no capability, no file, and nothing that is worth taking; it is a transport and
/// believed as little as any other. Its first descriptor is the link to role node, its second a listening socket that PID 1 keeps.
/// </summary>
internal static class DoorRole
{
    private const int MaxThreads = 24;

    /// <summary>Runs until the node hangs up.</summary>
    internal static int Run()
    {
        const int Link = InitLimits.FirstDescriptor, Listener = InitLimits.FirstDescriptor + 1;
        CurrentThread.CloseOnExec(Link, Listener);
        _ = ThreadPool.SetMaxThreads(MaxThreads, MaxThreads);
        _ = Socket.OSSupportsIPv6;      // asked once, by making a socket: before it may make none
        ProcessSandbox.Seal("door", DoorCalls.Process(CurrentThread.ProcessId));
        NodeLink link = new(new SeqPacketSocket(new FileDescriptor(Link)));
        link.Start();
        if (!link.WaitUntilReady())
            return 1;
        HttpDoor door = new(new OuterGate(link.Keys, new StrangerLimits(TimeProvider.System), new FailureLimits(TimeProvider.System)), link,
            listener: Listener);
        door.StartAsync().GetAwaiter().GetResult();
        link.WaitUntilClosed();
        return 0;       // whoever was waiting is cut off with the process; the others stay in the listening socket
    }
}
