namespace ZeroOS.Vmm.Virtio;

/// <summary>Feature bits that all devices share (virtio 1.2, chapter 6).</summary>
internal static class VirtioFeatures
{
    /// <summary>Indirect descriptors, notification by event index, the modern interface.</summary>
    public const ulong Indirect = 1UL << 28, EventIndex = 1UL << 29, Version1 = 1UL << 32;

    /// <summary>What every device here offers.</summary>
    public const ulong Common = EventIndex | Version1;
}
