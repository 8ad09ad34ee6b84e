using ZeroOS.Linux;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Rng;

/// <summary>
/// virtio-rng (virtio 1.2, 5.4): the kernel's random bytes, written straight into the guest's buffers. At most 64 KiB a request, whatever its descriptors
/// claim.
/// </summary>
internal sealed unsafe class RngDevice : VirtioDevice
{
    private const ulong MaxBytes = 64 * 1024;
    private const int MaxParts = 64, TurnRequests = 16;
    private static readonly ushort[] s_sizes = [64];
    private readonly DescriptorChain _chain = new(64);
    private readonly Action<VirtQueue> _fill;
    private VirtQueue? _queue;

    /// <summary>A source of random bytes.</summary>
    public RngDevice() => _fill = Fill;

    /// <inheritdoc/>
    public override ushort Id => 4;

    /// <inheritdoc/>
    public override uint PciClass => 0xff0000;

    /// <inheritdoc/>
    public override ulong Features => VirtioFeatures.Common;

    /// <inheritdoc/>
    public override ReadOnlySpan<ushort> QueueSizes => s_sizes;

    /// <inheritdoc/>
    public override ConfigSpace Config => ConfigSpace.None;

    /// <inheritdoc/>
    public override string Name => "rng";

    /// <inheritdoc/>
    public override RngCounters Counters { get; } = new();

    /// <inheritdoc/>
    protected override void OnActivate(VirtQueue?[] queues, ulong features) => _queue = queues[0];

    /// <inheritdoc/>
    protected override void OnReset() => _queue = null;

    /// <inheritdoc/>
    protected override void OnNotify(int queue)
    {
        if (!TryWork(queue, _queue!, _chain, TurnRequests, _fill))
            Break("rng: broken chain");
    }

    private void Fill(VirtQueue q)
    {
        MemoryPart* parts = stackalloc MemoryPart[MaxParts];
        int count = _chain.Writable(0, MaxBytes, parts, MaxParts);
        uint written = 0;
        for (int i = 0; i < count && KernelRandom.TryFill(parts[i].Pointer, parts[i].Length); i++)
            written += (uint)parts[i].Length;
        Counters.Bytes += written;
        q.Push(_chain.Head, written);
    }
}
