using ZeroOS.Bus.Gates;
using ZeroOS.Linux;
using ZeroOS.Node.Doors;
using ZeroOS.Node.Doors.Http;

namespace ZeroOS.Tests.Node.Doors;

/// <summary>A door in the test's own process: everything of the real one but the process and its jail.</summary>
internal sealed class InProcessDoor : IAsyncDisposable
{
    private readonly NodeLink _link;

    private InProcessDoor(NodeLink link, HttpDoor http) => (_link, Http) = (link, http);

    public HttpDoor Http { get; }

    public int Port => Http.Port;

    /// <summary>
    /// Opens one; <paramref name="attach"/> takes the node's end of the link. It listens on a socket that somebody holds, as PID 1 does, or at
    /// <paramref name="port"/>.
    /// </summary>
    public static async Task<InProcessDoor> OpenAsync(Action<SeqPacketSocket> attach, int port = 0, FileDescriptor? listener = null,
        ConnectionLimits? limits = null)
    {
        (SeqPacketSocket ours, SeqPacketSocket theirs) = SeqPacketSocket.Pair();
        attach(ours);
        NodeLink link = new(theirs);
        link.Start();
        Assert.True(link.WaitUntilReady(), "the node hung up");
        HttpDoor http = new(new OuterGate(link.Keys, new StrangerLimits(TimeProvider.System), new FailureLimits(TimeProvider.System)), link, port,
            Shared(listener), limits: limits);
        await http.StartAsync();
        return new InProcessDoor(link, http);
    }

    // A descriptor of its own for the same socket, which the door then owns.
    private static ulong? Shared(FileDescriptor? listener)
    {
        if (listener is null)
            return null;
        FileDescriptor own = listener.Duplicate();
        ulong number = (ulong)own.Number;
        own.SetHandleAsInvalid();
        return number;
    }

    public async ValueTask DisposeAsync()
    {
        await Http.DisposeAsync();
        _link.Dispose();
    }
}
