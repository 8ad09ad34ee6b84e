using System.Text;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Vmm.Control;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Block;

/// <summary>
/// virtio-blk (virtio 1.2, 5.2) with one queue over a raw file or a flist's device file. Write-back: a flush is an fdatasync. A reset waits for what is in
/// flight, so nothing is written to the guest's memory after it.
/// </summary>
internal sealed class BlockDevice : VirtioDevice, IDisposable
{
    private const int QueueSize = 128, IdBytes = 20, TurnRequests = QueueSize;
    private const ulong SegMax = 1 << 2, ReadOnlyFeature = 1 << 5, BlockSizeFeature = 1 << 6, FlushFeature = 1 << 9, DiscardFeature = 1 << 13,
        WriteZeroesFeature = 1 << 14;
    private static readonly ushort[] s_sizes = [QueueSize];
    private readonly BlockRequest[] _requests = new BlockRequest[QueueSize];
    private readonly byte[] _id = new byte[IdBytes];
    private readonly FileDescriptor _file;
    private readonly FileEngine _engine;
    private readonly ChunkGate? _gate;
    private readonly bool _readOnly;
    private readonly long _capacity;
    private VirtQueue? _queue;
    private BlockRequest? _free;
    private BlockRequest? _waiting;

    private BlockDevice(string name, string serial, FileDescriptor file, bool readOnly, Func<BlockDevice, ChunkGate?> gate, EventLoop loop, bool allowRing)
    {
        Name = name;
        _file = file;
        for (int i = 0; i < QueueSize; i++)
            _requests[i] = new BlockRequest(i, QueueSize);
        FreeAll();
        _gate = gate(this);
        _readOnly = readOnly || _gate != null;
        _capacity = _gate?.DeviceSize ?? (file.Length & ~(BlockRequest.SectorSize - 1L));
        if (_gate != null && file.Length < _capacity)
            throw new ConfigException($"disk {serial}: its device file is shorter than its index says");
        _engine = new FileEngine(file, _requests, loop, allowRing, Complete, AfterCompletions);
        Counters.Ring = _engine.UsesRing ? 1 : 0;
        Encoding.ASCII.GetBytes(serial).CopyTo(_id, 0);
        Config = new ConfigSpace<BlockConfig>(BlockConfig.For(_capacity, QueueSize));
    }

    /// <inheritdoc/>
    public override ushort Id => 2;

    /// <inheritdoc/>
    public override uint PciClass => 0x018000;

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override ulong Features => VirtioFeatures.Common | VirtioFeatures.Indirect | SegMax | BlockSizeFeature | FlushFeature
        | (_readOnly ? ReadOnlyFeature : DiscardFeature | WriteZeroesFeature);

    /// <inheritdoc/>
    public override ReadOnlySpan<ushort> QueueSizes => s_sizes;

    /// <inheritdoc/>
    public override ConfigSpace Config { get; }

    /// <inheritdoc/>
    public override BlockCounters Counters { get; } = new();

    /// <summary>Opens a disk of the configuration.</summary>
    /// <exception cref="ConfigException">A flist's index, bitmap or file do not fit together.</exception>
    public static BlockDevice Open(VmDisk disk, int index, EventLoop loop, bool allowRing = true)
    {
        string name = $"vd{(char)('a' + index)}";
        FileDescriptor file = new(disk.Descriptor);
        return new BlockDevice(name, disk.Serial, file, disk.ReadOnly,
            device => disk.Kind == VmDiskKind.Flist ? ChunkGate.Open(disk, loop, device.Counters, device.RetryWaiting) : null, loop, allowRing);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _engine.Dispose();
        _gate?.Dispose();
        _file.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnActivate(VirtQueue?[] queues, ulong features) => _queue = queues[0];

    /// <inheritdoc/>
    protected override void OnReset()
    {
        // First no queue, then the drain: completions of the old life are dropped.
        _queue = null;
        _waiting = null;
        _engine.Drain();
        FreeAll();
    }

    /// <inheritdoc/>
    protected override void OnNotify(int queue)
    {
        VirtQueue q = _queue!;
        int taken = 0;
        bool idle = false;
        while (_free is { } request && !idle && taken < TurnRequests)
        {
            PopResult result = q.TryPop(request.Chain);
            if (result == PopResult.Empty)
            {
                idle = q.TryAwaitNotification();
                continue;
            }
            if (result == PopResult.Broken || !request.TryRead(_capacity, _readOnly, out BlockStatus refusal))
            {
                Break($"{Name}: broken request");
                return;
            }
            taken++;
            _free = request.Next;
            request.Next = null;
            if (refusal != BlockStatus.Ok)
                Complete(request, refusal);
            else
                Begin(request);
        }
        _engine.Submit();
        q.Flush();
        // Without a free request nothing needs to be remembered: the next completion looks again.
        if (!idle && _free != null)
            Postpone(queue);
    }

    private void Begin(BlockRequest request)
    {
        switch (request.Operation)
        {
            case BlockOperation.GetId:
                request.Chain.Write(0, _id.AsSpan(0, (int)Math.Min(IdBytes, request.Chain.WritableBytes - 1)));
                Complete(request, BlockStatus.Ok);
                break;
            case BlockOperation.Flush when _readOnly:
                Complete(request, BlockStatus.Ok);
                break;
            case BlockOperation.In when _gate != null && !_gate.TryPass(request.Offset, request.Length):
                request.Next = _waiting;
                _waiting = request;
                break;
            default:
                _engine.Start(request);
                break;
        }
    }

    private void AfterCompletions()
    {
        // A driver that has more under way than the pool holds is heard again now that there is room.
        if (Active && _queue != null)
            OnNotify(0);
        else
            _queue?.Flush();
    }

    private void RetryWaiting()
    {
        BlockRequest? list = _waiting;
        _waiting = null;
        while (list is { } request)
        {
            list = request.Next;
            request.Next = null;
            Begin(request);
        }
        _engine.Submit();
        _queue?.Flush();
    }

    private void Complete(BlockRequest request, BlockStatus status)
    {
        Count(request, status);
        if (_queue is { } queue)
        {
            Span<byte> answer = [(byte)status];
            request.Chain.Write(request.Chain.WritableBytes - 1, answer);
            bool filled = request.Operation is BlockOperation.In or BlockOperation.GetId && status == BlockStatus.Ok;
            queue.Push(request.Chain.Head, (uint)Math.Min(filled ? request.Chain.WritableBytes : 1, uint.MaxValue));
        }
        request.Next = _free;
        _free = request;
    }

    private void Count(BlockRequest request, BlockStatus status)
    {
        if (status != BlockStatus.Ok)
            Counters.Errors++;
        else if (request.Operation == BlockOperation.In)
            Counters.BytesRead += request.Length;
        else if (request.Operation == BlockOperation.Out)
            Counters.BytesWritten += request.Length;
        else if (request.Operation == BlockOperation.Flush)
            Counters.Flushes++;
    }

    private void FreeAll()
    {
        _free = null;
        foreach (BlockRequest r in _requests)
        {
            r.Next = _free;
            _free = r;
        }
    }
}
