namespace ZeroOS.Vmm.Virtio;

/// <summary>What taking from a queue gave.</summary>
internal enum PopResult
{
    /// <summary>Nothing is available.</summary>
    Empty,

    /// <summary>A chain.</summary>
    Chain,

    /// <summary>The driver broke the rules of the ring; the device must stop.</summary>
    Broken,
}
