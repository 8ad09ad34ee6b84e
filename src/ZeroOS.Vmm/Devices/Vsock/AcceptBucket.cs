namespace ZeroOS.Vmm.Devices.Vsock;

/// <summary>
/// How fast a guest may open connections: each costs the node a descriptor and a message, and any process of the guest can ask. A guest that reconnects after a
/// restart of the node uses a few at once; one that dials without end gets <see cref="PerSecond"/> through, the rest are reset.
/// </summary>
internal sealed class AcceptBucket(TimeProvider time)
{
    /// <summary>Connections that may come at once, and how many more each second.</summary>
    public const int Burst = 64, PerSecond = 16;

    private double _tokens = Burst;
    private long _filled = time.GetTimestamp();

    /// <summary>Takes one; false when there is none left.</summary>
    public bool TryTake()
    {
        long now = time.GetTimestamp();
        _tokens = Math.Min(Burst, _tokens + (time.GetElapsedTime(_filled, now).TotalSeconds * PerSecond));
        _filled = now;
        if (_tokens < 1)
            return false;
        _tokens--;
        return true;
    }
}
