using System.Net.Sockets;

using ZeroOS.Host.Loops;
using ZeroOS.Linux;

namespace ZeroOS.Node.Sessions;

/// <summary>
/// A session that has a place among the node's, from its answer until its end. It waits for its connection, runs on it, and gives the place back. What happens
/// to it is nobody else's.
/// </summary>
internal sealed class OpenedSession : PreparedSession
{
    /// <summary>The connection comes within so long, or the place is given back.</summary>
    public static readonly TimeSpan ConnectionWithin = TimeSpan.FromSeconds(30);

    // A peer that is gone, or takes nothing, is known after as long as one that says nothing.
    private static readonly TcpKeepAlive s_keepAlive = new(Idle: TimeSpan.FromSeconds(30), Interval: TimeSpan.FromSeconds(15), Questions: 4);

    private const int Waiting = 0, Running = 1, Over = 2;

    private readonly SessionRelay _relay;
    private readonly ClientLoop _loop;
    private readonly SessionServices _services;
    private readonly Action<OpenedSession> _over;
    private readonly byte[] _answer;
    private readonly long _born;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state;

    /// <summary>Takes ownership of the relay. <paramref name="over"/> is told once.</summary>
    public OpenedSession(string name, string tenant, byte[] answer, SessionRelay relay, ClientLoop loop, SessionServices services,
        Action<OpenedSession> over)
    {
        (Name, Tenant, _answer, _relay, _loop, _services, _over) = (name, tenant, answer, relay, loop, services, over);
        _born = services.Time.GetTimestamp();
    }

    /// <summary>A name for the log and for people.</summary>
    public string Name { get; }

    /// <summary>Whose it is.</summary>
    public string Tenant { get; }

    /// <summary>Completes when nothing of it is left.</summary>
    public Task Done => _done.Task;

    /// <inheritdoc/>
    public override bool IsOpen => true;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Answer => _answer;

    /// <inheritdoc/>
    public override void Run(Socket connection)
    {
        if (Interlocked.CompareExchange(ref _state, Running, Waiting) == Waiting)
            _ = Task.Run(() => RunAsync(connection));
        else
            connection.Dispose();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (Interlocked.CompareExchange(ref _state, Over, Waiting) == Waiting)
            GiveBack();
    }

    /// <summary>Ends it: who is there is told why.</summary>
    public void End(SessionEnd end)
    {
        Dispose();
        _relay.End(end);
    }

    /// <summary>Nobody waits any more until its peers have hung up.</summary>
    public void Abandon()
    {
        if (!Done.IsCompleted)
            _relay.Abandon();
    }

    /// <summary>Looks at the clock.</summary>
    public void Watch()
    {
        if (Volatile.Read(ref _state) == Running)
            _relay.Watch();
        else if (_services.Time.GetElapsedTime(_born) > ConnectionWithin)
            Dispose();
    }

    private async Task RunAsync(Socket connection)
    {
        try
        {
            await using LoopStream client = Adopt(connection);
            SessionEnd end = await _relay.RunAsync(client, Greeting()).ConfigureAwait(false);
            if (end.Fault is { } fault)
                _services.Log.Error($"sessions fault={fault.GetType().Name} session={Name} message=\"{fault.Message}\"");
        }
        catch (SocketException)
        {
            // the client was gone before it was answered, which it may be as often as it likes
        }
        catch (Exception e)
        {
            // The boundary of one session.
            _services.Log.Error($"sessions fault={e.GetType().Name} session={Name} message=\"{e.Message}\"");
        }
        finally
        {
            Volatile.Write(ref _state, Over);
            GiveBack();
        }
    }

    // What is no TCP connection refuses the options, and is none of ours.
    private LoopStream Adopt(Socket connection)
    {
        try
        {
            connection.NoDelay = true;
            s_keepAlive.SetForMessages(connection);
            return new LoopStream(_loop, connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private byte[] Greeting() => [.. "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: zeroos-session\r\n\r\n"u8, .. _answer, (byte)'\n'];

    private void GiveBack()
    {
        _over(this);
        _relay.Dispose();
        _done.SetResult();
    }
}
