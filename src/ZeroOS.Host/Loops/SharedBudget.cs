namespace ZeroOS.Host.Loops;

/// <summary>Bytes that many owners hold together, with a limit on the sum. Thread-safe.</summary>
internal sealed class SharedBudget(long limitBytes)
{
    private long _held;

    /// <summary>Bytes held now.</summary>
    public long Held => Volatile.Read(ref _held);

    /// <summary>Nothing more should be taken by who holds something already.</summary>
    public bool IsFull => Held >= limitBytes;

    /// <summary>Takes bytes if the sum stays within the limit.</summary>
    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _held, bytes) <= limitBytes)
            return true;
        Give(bytes);
        return false;
    }

    /// <summary>Takes bytes whatever the sum is; the owner bounds itself.</summary>
    public void Take(long bytes) => Interlocked.Add(ref _held, bytes);

    /// <summary>Gives bytes back.</summary>
    public void Give(long bytes) => Interlocked.Add(ref _held, -bytes);
}
