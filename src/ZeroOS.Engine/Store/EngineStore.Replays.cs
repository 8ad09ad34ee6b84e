using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;

namespace ZeroOS.Engine.Store;

/// <summary>The message behind a change, stored in the same transaction as the change: neither is ever there without the other.</summary>
public readonly record struct MessageMark(string Sender, string Id, DateTimeOffset Until)
{
    /// <summary>Of the request that is being answered.</summary>
    public static MessageMark Of(RequestContext context) => new(context.Sender.Text, context.MessageId.ToString(), context.RememberUntil);
}

public sealed partial class EngineStore : IReplayStore
{
    private readonly MemoryReplayStore _replays = new();

    /// <summary>
    /// The gate's question, answered from memory. A message that changes nothing is not worth a disk write: it can only be played again in the same epoch,
    /// which ends with this process. One that does is stored by <see cref="Mark"/>, and read back at the next start.
    /// </summary>
    public ReplayAnswer Remember(KeyId from, Guid id, DateTimeOffset until, DateTimeOffset now) => _replays.Remember(from, id, until, now);

    /// <summary>Remembers the message durably, inside the transaction of its effect.</summary>
    internal void Mark(MessageMark? mark) => Write(() =>
    {
        if (mark is not { } m)
            return;
        Execute("DELETE FROM seen WHERE until < $1", Time.GetUtcNow().ToUnixTimeMilliseconds());
        Execute("INSERT OR REPLACE INTO seen VALUES($1,$2,$3)", m.Sender, m.Id, m.Until.ToUnixTimeMilliseconds());
    });

    private void LoadReplays()
    {
        foreach ((string sender, string id, DateTimeOffset until) in Query("SELECT sender,id,until FROM seen",
            r => (r.GetString(0), r.GetString(1), Moment(r, 2)!.Value)))
        {
            if (KeyId.TryParse(sender, out KeyId? key) && Guid.TryParse(id, out Guid guid))
                _replays.Remember(key, guid, until, DateTimeOffset.MinValue);
        }
    }
}
