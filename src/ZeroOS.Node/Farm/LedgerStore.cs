using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Host.Storage;
using ZeroOS.Linux;
using ZeroOS.Node.Identity;

namespace ZeroOS.Node.Farm;

/// <summary>
/// The node's ledger, one copy on each disk of the pool: the highest generation counts, and the others follow it. With a counter in the TPM each change raises
/// it, and is acknowledged after that. Thread-safe.
/// </summary>
internal sealed class LedgerStore
{
    private const string Name = "/state/ledger";
    /// <summary>Orders that are remembered at once; more have to wait until some of them ended.</summary>
    public const int MaxSpent = 1024;

    // For clocks that step back: an order is refused for a day after it ended.
    private static readonly TimeSpan s_keptLonger = TimeSpan.FromDays(1);

    private readonly IReadOnlyList<StorageDisk> _pool;
    private readonly IdentityKey _node;
    private readonly LedgerCounter? _counter;
    private readonly Func<StorageDisk, string, bool> _lost;
    private readonly Lock _lock = new();
    private Ledger _current;

    /// <summary>
    /// Opens the ledger of <paramref name="node"/>, or begins it, and brings every disk and the <paramref name="counter"/> to it. <paramref name="lost"/> is
    /// told of a disk that refuses, and why, and answers whether the node goes on without that disk; the others know of it before anything else is written.
    /// </summary>
    /// <exception cref="IOException">A disk or the TPM refuses, and the node cannot go on without it.</exception>
    public LedgerStore(IReadOnlyList<StorageDisk> pool, IdentityKey node, LedgerCounter? counter, Func<StorageDisk, string, bool> lost)
    {
        (_pool, _node, _counter, _lost) = (pool, node, counter, lost);
        _current = Read(pool, node.Id) ?? new Ledger { Node = node.Id.Text };
        if (_current.Generation > 0)
            Write(_current);
        if (_current.Counter is { } counted && counter is not null && Tpm(counter.Read) is { } value && value + 1 == counted)
            Raise(counter, counted);    // the power went in between
    }

    /// <summary>What it says.</summary>
    public Ledger Current
    {
        get
        {
            lock (_lock)
                return _current;
        }
    }

    /// <summary>The newest ledger of that node on the disks; null: none can be read.</summary>
    public static Ledger? Read(IReadOnlyList<StorageDisk> pool, KeyId node)
    {
        Ledger? newest = null;
        foreach (StorageDisk disk in pool)
        {
            if (Bytes(disk) is { } bytes && Ledger.TryRead(bytes, node, out Ledger? ledger) && ledger.Generation > (newest?.Generation ?? 0))
                newest = ledger;
        }
        return newest;
    }

    /// <summary>Changes it; when this returns, every disk has it, and the counter is there. Nothing is written when nothing changes.</summary>
    /// <exception cref="IOException">A disk or the TPM refuses: the change may be on the disks, and counts from the next start.</exception>
    public Ledger Change(Func<Ledger, Ledger> change)
    {
        lock (_lock)
        {
            Ledger next = change(_current);
            if (next == _current)
                return next;
            next = next with { Generation = _current.Generation + 1, Counter = _counter is null ? next.Counter : _current.Counter + 1 };
            Write(next);
            if (_counter is not null && next.Counter is { } counted)
                Raise(_counter, counted);
            return _current = next;
        }
    }

    /// <summary>Counts an order of the farm's threshold as carried out; it is on every disk when this returns.</summary>
    /// <exception cref="BusErrorException">It was carried out before, or <see cref="MaxSpent"/> are remembered.</exception>
    /// <exception cref="IOException">As for <see cref="Change"/>.</exception>
    public void Spend(string id, DateTimeOffset ends, DateTimeOffset now)
    {
        lock (_lock)
        {
            Dictionary<string, DateTimeOffset> spent = (_current.Spent ?? new Dictionary<string, DateTimeOffset>())
                .Where(s => s.Value + s_keptLonger > now).ToDictionary();
            if (!spent.TryAdd(id, ends))
                throw new BusErrorException(ErrorCodes.Replayed, "this order was carried out before; look again, and sign a new one");
            if (spent.Count > MaxSpent)
                throw new BusErrorException(ErrorCodes.Busy, $"{MaxSpent} orders were carried out in the last days; wait until some of them have ended",
                    retryable: true);
            _ = Change(ledger => ledger with { Spent = spent });
        }
    }

    private void Write(Ledger ledger)
    {
        byte[] bytes = ledger.ToBytes(_node);
        foreach (StorageDisk disk in _pool)
        {
            try
            {
                if (Bytes(disk) is not { } there || !there.AsSpan().SequenceEqual(bytes))
                    Write(disk, bytes);
            }
            catch (IOException e)
            {
                if (!_lost(disk, e.Message))
                    throw;
            }
        }
    }

    private static void Raise(LedgerCounter counter, ulong value) => Tpm(() =>
    {
        counter.RaiseTo(value);
        return value;
    });

    private static T Tpm<T>(Func<T> use)
    {
        try
        {
            return use();
        }
        catch (SealException e)
        {
            throw new IOException($"the ledger is not counted: {e.Message}", e);
        }
    }

    private static byte[]? Bytes(StorageDisk disk) =>
        new FileInfo(disk.Root + Name) is { Exists: true, Length: <= Ledger.MaxBytes } file ? File.ReadAllBytes(file.FullName) : null;

    private static void Write(StorageDisk disk, byte[] bytes)
    {
        string path = disk.Root + Name, fresh = path + ".new";
        File.Delete(fresh);
        using (FileDescriptor file = FileDescriptor.Open(fresh, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, Mode.OwnerOnly))
        {
            file.Write(bytes);
            file.Sync();
        }
        File.Move(fresh, path, overwrite: true);
        using FileDescriptor directory = FileDescriptor.Open(disk.Root + "/state", OpenFlags.ReadOnly | OpenFlags.Directory);
        directory.Sync();
    }
}
