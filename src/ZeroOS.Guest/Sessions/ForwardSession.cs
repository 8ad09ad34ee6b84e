using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// One session of kind forward: connections of the client's to programs that listen in the machine, each on a channel, all moved by one thread. The workload is
/// in zguest's network namespace, so its loopback is zguest's.
/// </summary>
/// <param name="link">The session.</param>
/// <param name="orders">What the client says.</param>
/// <param name="places">The connections of all sessions.</param>
internal sealed class ForwardSession(SessionLink link, ForwardOrders orders, Places places)
{
    /// <summary>Connections of one session at once.</summary>
    internal const int Most = 64;

    /// <summary>Connections of all sessions of a machine at once: each has a descriptor of zguest's.</summary>
    internal const int MostOfMachine = 256;

    private const int PieceBytes = 32 * 1024;

    private readonly List<ForwardConnection> _connections = [];
    private readonly int[] _placesInSet = new int[Most];
    private readonly PollSet _set = new(Most + 1);
    private readonly ForwardGrants _grants = new();
    private readonly byte[] _buffer = new byte[PieceBytes];

    /// <summary>A program that listens takes a connection within so many milliseconds.</summary>
    internal int DialWithinMs { get; init; } = 10_000;

    /// <summary>Carries connections until the session is over, and says why that is.</summary>
    internal SessionEnd Run(byte[] body)
    {
        if (ForwardBeginReader.RefusalOfSession(body) is { Length: > 0 } refusal)
            return new SessionEnd(SessionCloseReason.Refused, refusal);
        try
        {
            _set.Add(orders.Event, Readiness.Readable);
            while (link.Over is null)
            {
                orders.ForgetWaking();
                PassAll();
                while (orders.TryTakeBegun(out ForwardInbox? inbox))
                    Begin(inbox);
                Wait();
                link.KeepAlive();
            }
            return link.Over;
        }
        finally
        {
            foreach (ForwardConnection connection in _connections)
                Leave(connection);
        }
    }

    private void PassAll()
    {
        for (int i = 0; i < _connections.Count; i++)
            _connections[i].Pass(_placesInSet[i] < 0 ? Readiness.None : _set[_placesInSet[i]], _buffer);
        RemoveOver();
    }

    private void Begin(ForwardInbox inbox)
    {
        // One that the client closed before it opened this one has made room.
        if (_connections.Count == Most)
        {
            foreach (ForwardConnection left in _connections.Where(c => c.IsAbandoned))
                left.Pass(Readiness.None, default);
            RemoveOver();
        }
        ForwardConnection connection = new(link, inbox, _grants, Environment.TickCount64 + DialWithinMs);
        if (_connections.Count == Most)
        {
            Refuse(connection, $"the session has {Most} connections at once, the most there are");
        }
        else if (!places.TryTake())
        {
            Refuse(connection, $"the machine has {MostOfMachine} forwarded connections at once, the most there are");
        }
        else
        {
            _connections.Add(connection);
            connection.Begin();
        }
    }

    private void Refuse(ForwardConnection connection, string sentence)
    {
        connection.Close(SessionCloseReason.OverCapacity, sentence);
        orders.Forget(connection.Channel);
    }

    private void Wait()
    {
        RemoveOver();
        long now = Environment.TickCount64, next = now + link.QuietMs;
        _set.Clear();
        _set.Add(orders.Event, Readiness.Readable);
        for (int i = 0; i < _connections.Count; i++)
        {
            ForwardConnection connection = _connections[i];
            Readiness interest = connection.Interest;
            _placesInSet[i] = interest == Readiness.None || connection.Descriptor is not { } socket ? -1 : _set.Add(socket, interest);
            next = Math.Min(next, connection.LookAgainAt);
        }
        _set.Wait((int)Math.Max(next - now, 0));
    }

    // The order of the others stays that of their places in the set.
    private void RemoveOver() => _connections.RemoveAll(c =>
    {
        if (!c.IsOver)
            return false;
        Leave(c);
        orders.Forget(c.Channel);
        return true;
    });

    private void Leave(ForwardConnection connection)
    {
        connection.Dispose();
        places.Return();
    }
}
