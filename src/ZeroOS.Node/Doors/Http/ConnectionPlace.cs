using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// A connection's place in the table; a feature of the connection, so that its requests can say what came of them. Its state belongs to the table's lock.
/// </summary>
internal sealed class ConnectionPlace(Origin origin, long enteredAt, Action abort)
{
    private Action? _abort = abort;

    /// <summary>Where it comes from.</summary>
    public Origin Origin { get; } = origin;

    /// <summary>When it came, by the table's clock.</summary>
    public long EnteredAt { get; } = enteredAt;

    /// <summary>The key id whose new message it carried; null while it counts for its origin.</summary>
    public string? Key { get; set; }

    /// <summary>What that key is.</summary>
    public Roles Roles { get; set; }

    /// <summary>A request of somebody with a role is being answered: the place is not taken away.</summary>
    public bool Busy { get; set; }

    /// <summary>Where it stands among the unproven ones.</summary>
    public int Index { get; set; }

    /// <summary>When its last answer ended: the oldest idle one goes first.</summary>
    public long IdleSince { get; set; } = enteredAt;

    /// <summary>Ends the connection; once.</summary>
    public void Abort() => Interlocked.Exchange(ref _abort, null)?.Invoke();

    /// <summary>
    /// From now on <paramref name="other"/> ends the connection, for somebody else has it. False: it was to end before, and nobody is told any more.
    /// </summary>
    public bool TryBind(Action other)
    {
        Action? before = Volatile.Read(ref _abort);
        return before is not null && Interlocked.CompareExchange(ref _abort, other, before) == before;
    }
}
