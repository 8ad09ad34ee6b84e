using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Node.Sessions;

/// <summary>
/// The node's memory for frames that are longer than what a session holds by itself, in pieces of one frame each, for all sessions together. Who wants a piece
/// and gets none waits, and does not read meanwhile; those who have waited longest are served first. No key has more than an eighth, however many sessions it
/// has, and the last pieces are for owners. Thread-safe.
/// </summary>
internal sealed class FrameMemory
{
    /// <summary>Pieces there are, 48 MiB together.</summary>
    public const int Pieces = 768;

    /// <summary>Pieces of one key at most.</summary>
    public const int PiecesOfKey = Pieces / 8;

    /// <summary>How many of all only owners get.</summary>
    public const int PiecesOfOwners = 32;

    /// <summary>Bytes of a piece: the longest frame, sealed. No array of the shared pool has this length.</summary>
    public static readonly int PieceBytes = FrameSealer.Room(SessionLimits.BodyBytes);

    // Pieces that are kept when nobody has them.
    private const int Kept = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _ofKey = new(StringComparer.Ordinal);
    private readonly LinkedList<Waiter> _waiting = [];
    private readonly Stack<byte[]> _kept = [];
    private int _taken;

    /// <summary>Pieces that somebody has.</summary>
    public int Taken
    {
        get
        {
            lock (_lock)
                return _taken;
        }
    }

    /// <summary>Waits until the key may have so many pieces more, and counts them as its own until <see cref="Give"/>.</summary>
    /// <exception cref="OperationCanceledException">Nobody waits any more; nothing was counted.</exception>
    public async ValueTask TakeAsync(string key, bool isOwner, int pieces, CancellationToken cancellation)
    {
        Waiter waiter = new(key, isOwner, pieces);
        LinkedListNode<Waiter> place;
        lock (_lock)
        {
            if (TryTake(waiter))
                return;
            place = _waiting.AddLast(waiter);
        }
        await using (cancellation.UnsafeRegister(_ => Leave(place, cancellation), null).ConfigureAwait(false))
            await waiter.Served.Task.ConfigureAwait(false);
    }

    /// <summary>Gives pieces back that the key was counted for.</summary>
    public void Give(string key, int pieces)
    {
        List<Waiter> served = [];
        lock (_lock)
        {
            _taken -= pieces;
            if (_ofKey[key] == pieces)
                _ofKey.Remove(key);
            else
                _ofKey[key] -= pieces;
            for (LinkedListNode<Waiter>? place = _waiting.First, next; place is not null; place = next)
            {
                next = place.Next;
                if (!TryTake(place.Value))
                    continue;
                _waiting.Remove(place);
                served.Add(place.Value);
            }
        }
        served.ForEach(w => w.Served.SetResult());
    }

    /// <summary>The bytes of a piece that was taken.</summary>
    public byte[] Rent()
    {
        lock (_lock)
        {
            if (_kept.TryPop(out byte[]? bytes))
                return bytes;
        }
        return GC.AllocateUninitializedArray<byte>(PieceBytes);
    }

    /// <summary>Bytes that were rented and that nobody reads or writes any more.</summary>
    public void Return(byte[] bytes)
    {
        lock (_lock)
        {
            if (_kept.Count < Kept)
                _kept.Push(bytes);
        }
    }

    // With the lock held.
    private bool TryTake(Waiter waiter)
    {
        int ofKey = _ofKey.GetValueOrDefault(waiter.Key);
        if (ofKey + waiter.Pieces > PiecesOfKey || _taken + waiter.Pieces > (waiter.IsOwner ? Pieces : Pieces - PiecesOfOwners))
            return false;
        _ofKey[waiter.Key] = ofKey + waiter.Pieces;
        _taken += waiter.Pieces;
        return true;
    }

    private void Leave(LinkedListNode<Waiter> place, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (place.List is null)
                return;         // served a moment before
            _waiting.Remove(place);
        }
        place.Value.Served.SetCanceled(cancellation);
    }

    private sealed record Waiter(string Key, bool IsOwner, int Pieces)
    {
        public TaskCompletionSource Served { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
