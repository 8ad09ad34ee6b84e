namespace ZeroOS.Vmm.Virtio;

/// <summary>Where the driver put a queue: guest physical addresses and the number of entries, unchecked.</summary>
internal record struct QueueLayout(ushort Size, ulong Descriptors, ulong Available, ulong Used, ushort Vector, bool Enabled);
