using Microsoft.AspNetCore.Connections;

namespace ZeroOS.Node.Bus;

/// <summary>A connection's place in the table; set on its features so that the request can say that its envelope was admitted.</summary>
internal sealed class ConnectionMark(ConnectionContext connection)
{
    private volatile bool _admitted;

    /// <summary>An envelope of this connection was admitted: it is somebody's.</summary>
    public void Admitted() => _admitted = true;

    public bool IsAdmitted => _admitted;

    public void Abort() => connection.Abort(new ConnectionAbortedException("room is needed for another connection"));
}

/// <summary>Open connections, oldest first. When there is no room, the oldest without an admitted envelope goes [a flood of idle connections]; if there is none, the new one.</summary>
internal sealed class ConnectionTable(int capacity)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<ConnectionMark> _open = new();

    /// <summary>Connections now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _open.Count;
        }
    }

    /// <summary>Serves the connection while it has a place.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        ConnectionMark mark = new(connection);
        if (TryEnter(mark) is not LinkedListNode<ConnectionMark> place)
        {
            mark.Abort();
            return;
        }
        connection.Features.Set(mark);
        try
        {
            await next(connection);
        }
        finally
        {
            Leave(place);
        }
    }

    private LinkedListNode<ConnectionMark>? TryEnter(ConnectionMark mark)
    {
        ConnectionMark? victim = null;
        lock (_lock)
        {
            if (_open.Count >= capacity)
            {
                LinkedListNode<ConnectionMark>? node = _open.First;
                while (node is not null && node.Value.IsAdmitted)
                    node = node.Next;
                if (node is null)
                    return null;
                victim = node.Value;
                _open.Remove(node);
            }
            LinkedListNode<ConnectionMark> place = _open.AddLast(mark);
            victim?.Abort();
            return place;
        }
    }

    private void Leave(LinkedListNode<ConnectionMark> place)
    {
        lock (_lock)
        {
            if (place.List is not null)
                _open.Remove(place);
        }
    }
}
