namespace ZeroOS.Bus.Gates;

/// <summary>How often the gate said what; refusals without a proven sender are counted here and nowhere else, so that a flood writes nothing.</summary>
public sealed class GateCounters
{
    private long _admitted, _refused, _tooLarge, _malformed, _strangers;

    /// <summary>Admitted.</summary>
    public long Admitted => Volatile.Read(ref _admitted);

    /// <summary>Refused with a signed answer.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Over the size limit.</summary>
    public long TooLarge => Volatile.Read(ref _tooLarge);

    /// <summary>Not an envelope, not signed, not a message.</summary>
    public long Malformed => Volatile.Read(ref _malformed);

    /// <summary>Strangers over their rate.</summary>
    public long Strangers => Volatile.Read(ref _strangers);

    internal void Count(Decision decision)
    {
        switch (decision.BareStatus)
        {
            case 413:
                Interlocked.Increment(ref _tooLarge);
                break;
            case 429:
                Interlocked.Increment(ref _strangers);
                break;
            case > 0:
                Interlocked.Increment(ref _malformed);
                break;
            default:
                Interlocked.Increment(ref decision.Admitted ? ref _admitted : ref _refused);
                break;
        }
    }
}
