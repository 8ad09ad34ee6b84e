using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Sessions;
using ZeroOS.Host.Loops;
using ZeroOS.Linux;
using ZeroOS.Tests.Bus.Sessions;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Guest.Sessions;

/// <summary>A guest's own sessions of kind forward behind a played node, joined by a node's own relay; programs that listen are the test's.</summary>
internal sealed class RelayedGuest : IDisposable
{
    private readonly ClientLoop _loop = new("guests", LineLog.Quiet);
    private readonly GuestSessions _sessions;
    private readonly SessionNode _node;
    private StreamSocket? _dialled;

    public RelayedGuest(SessionNode node)
    {
        _node = node;
        _sessions = new GuestSessions(Dial);
        _sessions.Open(new Dictionary<string, SessionKind> { [SessionKinds.Forward] = SessionKind.Forward(new Places(ForwardSession.MostOfMachine)) });
        node.Open = opening => opening.RelayAsync(ConnectAsync);
    }

    /// <summary>The machine ends, and every session of it.</summary>
    public void End() => _sessions.End();

    public void Dispose()
    {
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        _loop.Dispose();
    }

    // What a node does with the connection that a guest dials.
    private async Task<Stream> ConnectAsync(CancellationToken cancellation)
    {
        (StreamSocket guest, StreamSocket node) = StreamSocket.Pair();
        _dialled = guest;
        _sessions.Dial(new GuestSession { Kind = _node.Opened!.Kind, Token = new byte[GuestProtocol.TokenBytes] }, new byte[GuestProtocol.SecretBytes]);
        LoopStream stream = new(_loop, node);
        await stream.ReadExactlyAsync(new byte[GuestProtocol.SecretBytes + GuestProtocol.TokenBytes], cancellation);
        return stream;
    }

    private StreamSocket? Dial(out Errno errno)
    {
        errno = Errno.None;
        return _dialled;
    }
}
