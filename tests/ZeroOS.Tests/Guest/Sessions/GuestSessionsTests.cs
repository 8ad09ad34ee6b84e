using System.Collections.Concurrent;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Sessions;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Sessions;

/// <summary>When a guest makes sessions, how many, and what it says first.</summary>
public sealed class GuestSessionsTests : IDisposable
{
    private static readonly byte[] s_secret = [.. Enumerable.Range(100, GuestProtocol.SecretBytes).Select(i => (byte)i)];
    private static readonly byte[] s_token = [.. Enumerable.Range(1, GuestProtocol.TokenBytes).Select(i => (byte)i)];
    private static readonly Dictionary<string, SessionKind> s_kinds = new()
    {
        [SessionKinds.Exec] = SessionKind.Exec(_ => throw new SetupException("exec", "not here"), new Places(1)),
    };
    private readonly BlockingCollection<StreamSocket> _dialled = [];
    private readonly List<PlainClient> _clients = [];
    private readonly GuestSessions _sessions;
    private volatile int _refusals;

    public GuestSessionsTests() => _sessions = new GuestSessions(Dial);

    public void Dispose()
    {
        _sessions.End();
        _clients.ForEach(c => c.Dispose());
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Connection_begins_with_the_secret_and_the_token()
    {
        _sessions.Open(s_kinds);
        Order();
        (byte[] secret, byte[] token) = Connected().Introduction();
        Assert.Equal(s_secret, secret);
        Assert.Equal(s_token, token);
    }

    [Fact]
    public void Node_that_does_not_take_the_connection_at_once_is_dialled_again()
    {
        _refusals = 3;
        _sessions.Open(s_kinds);
        Order();
        Connected().Introduction();
        Assert.Equal(0, _refusals);
    }

    [Fact]
    public void There_are_none_before_the_workload_has_started_and_after_it_has_ended()
    {
        Order();
        _sessions.Open(s_kinds);
        _sessions.Dial(new GuestSession { Kind = "exec", Token = [1, 2, 3] }, s_secret);
        Order();
        PlainClient client = Connected();
        client.Introduction();
        _sessions.End();
        Assert.Equal("Close MachineEnded the machine ended", client.Next());
        Order();
        client.Dispose();
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        Assert.Empty(_dialled);
    }

    [Fact]
    public void Kind_that_nobody_knows_is_refused()
    {
        _sessions.Open(s_kinds);
        Order("teleport");
        PlainClient client = Connected();
        client.Introduction();
        Assert.Equal("Close Refused the machine knows no session of kind teleport", client.Next());
    }

    [Fact]
    public void Session_beyond_the_most_is_told_so_and_those_that_are_there_go_on()
    {
        _sessions.Open(s_kinds);
        PlainClient first = One();
        for (int i = 1; i < GuestSessions.Most; i++)
            One();
        Assert.Equal($"Close OverCapacity the machine has {GuestSessions.Most} sessions, the most there are", One().Next());
        first.Begin(new ExecBegin { Arguments = ["sh"] });
        Assert.Equal("Close Refused exec: not here", first.Next());

        PlainClient One()
        {
            Order();
            PlainClient client = Connected();
            client.Introduction();
            return client;
        }
    }

    private StreamSocket? Dial(out Errno errno)
    {
        errno = _refusals > 0 ? Errno.ECONNRESET : Errno.None;
        if (errno != Errno.None)
        {
            _refusals--;
            return null;
        }
        (StreamSocket guest, StreamSocket node) = StreamSocket.Pair();
        _dialled.Add(node);
        return guest;
    }

    private void Order(string kind = "exec") => _sessions.Dial(new GuestSession { Kind = kind, Token = s_token }, s_secret);

    private PlainClient Connected()
    {
        Assert.True(_dialled.TryTake(out StreamSocket? node, 20_000), "the guest does not dial");
        PlainClient client = new(node);
        _clients.Add(client);
        return client;
    }
}
