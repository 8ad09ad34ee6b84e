using System.Buffers.Binary;
using System.Runtime.InteropServices;

using ZeroOS.Linux;
using ZeroOS.Vmm.Memory;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Balloon;

/// <summary>
/// virtio-balloon (virtio 1.2, 5.5). A guest reports the memory it has freed, and the host has it back; a target makes the guest give up more, which it takes
/// again when it would otherwise run out. Statistics are asked for when the node wants them, so an idle guest is left alone.
/// </summary>
internal sealed unsafe class BalloonDevice : VirtioDevice
{
    private const int QueueSize = 128, TurnRequests = 16, MaxPages = 1024, PageShift = 12, StatisticBytes = 10, MaxStatistics = 32;
    private const ulong StatisticsFeature = 1 << 1, DeflateOnOutOfMemory = 1 << 2, PagePoison = 1 << 4, Reporting = 1 << 5;
    private static readonly ushort[] s_sizes = [QueueSize, QueueSize, QueueSize, QueueSize];
    private readonly ConfigSpace<BalloonConfig> _config = new(default, BalloonConfig.Writable);
    private readonly DescriptorChain _chain = new(QueueSize);
    private readonly MemoryPart[] _parts = GC.AllocateArray<MemoryPart>(QueueSize, pinned: true);
    private readonly List<Duty> _duties = new(s_sizes.Length);
    private readonly GuestMemory _memory;
    private readonly Action<VirtQueue> _do;
    private VirtQueue?[] _queues = [];
    private VirtQueue? _statistics;
    private ushort _statisticsHead;
    private Duty _duty;     // of the queue that is worked
    private bool _poison;
    private ulong _runFirst, _runPages;

    /// <summary>A balloon in a guest's memory.</summary>
    public BalloonDevice(GuestMemory memory) => (_memory, _do) = (memory, Do);

    private enum Duty
    {
        Inflate,
        Deflate,
        Statistics,
        Report,
    }

    /// <inheritdoc/>
    public override ushort Id => 5;

    /// <inheritdoc/>
    public override uint PciClass => 0xff0000;

    /// <inheritdoc/>
    public override string Name => "balloon";

    /// <inheritdoc/>
    public override ulong Features => VirtioFeatures.Common | StatisticsFeature | DeflateOnOutOfMemory | PagePoison | Reporting;

    /// <inheritdoc/>
    public override ReadOnlySpan<ushort> QueueSizes => s_sizes;

    /// <inheritdoc/>
    public override ConfigSpace Config => _config;

    /// <inheritdoc/>
    public override BalloonCounters Counters { get; } = new();

    /// <summary>Sets how many bytes the guest should give up, at most all it has; whole pages. It does so in its own time, or not at all.</summary>
    public void SetTarget(long bytes)
    {
        ulong pages = Math.Min((ulong)Math.Max(bytes, 0), _memory.Size) >> PageShift;
        Counters.TargetBytes = (long)pages << PageShift;
        _config.Change(_config.Value with { Pages = (uint)Math.Min(pages, uint.MaxValue) });
        if (Active)
            ConfigChanged?.Invoke();
    }

    /// <summary>
    /// Asks the guest for new statistics; they are in the counters when it has answered. The driver's one buffer, given back, is the question (5.5.6.3).
    /// </summary>
    public void AskStatistics()
    {
        Counters.ActualBytes = (long)_config.Value.Actual << PageShift;
        if (!Active || _statistics is not { } queue)
            return;
        _statistics = null;
        queue.Push(_statisticsHead, 0);
        queue.Flush();
    }

    /// <inheritdoc/>
    protected override void OnActivate(VirtQueue?[] queues, ulong features)
    {
        _queues = queues;
        _poison = (features & PagePoison) != 0;
        // A queue whose feature was not agreed on takes no number: the standard gives each a fixed one, Linux and what grew up with it count.
        _duties.AddRange([Duty.Inflate, Duty.Deflate]);
        if ((features & StatisticsFeature) != 0)
            _duties.Add(Duty.Statistics);
        if ((features & Reporting) != 0)
            _duties.Add(Duty.Report);
    }

    /// <inheritdoc/>
    protected override void OnReset()
    {
        (_queues, _statistics) = ([], null);
        _duties.Clear();
    }

    /// <inheritdoc/>
    protected override void OnNotify(int queue)
    {
        if (queue >= _duties.Count || _queues[queue] is not { } q)
            return;
        _duty = _duties[queue];
        if (!TryWork(queue, q, _chain, TurnRequests, _do))
            Break($"balloon: broken {_duty} chain");
    }

    private void Do(VirtQueue q)
    {
        switch (_duty)
        {
            case Duty.Inflate:
                Inflate();
                break;
            case Duty.Deflate:
                Counters.DeflatedBytes += (long)PageCount() << PageShift;
                break;
            case Duty.Report:
                Report();
                break;
            default:
                ReadStatistics();
                if (_statistics == null)
                {
                    // The buffer is kept until the next question.
                    (_statistics, _statisticsHead) = (q, _chain.Head);
                    return;
                }
                break;
        }
        q.Push(_chain.Head, 0);
    }

    private int PageCount() => (int)Math.Min(_chain.ReadableBytes / sizeof(uint), MaxPages);

    // Page numbers, mostly neighbours: each run of them is given back at once.
    private void Inflate()
    {
        Span<uint> pages = stackalloc uint[MaxPages];
        pages = pages[..PageCount()];
        _ = _chain.Read(0, MemoryMarshal.AsBytes(pages));
        _runPages = 0;
        foreach (uint page in pages)
        {
            if (_runPages > 0 && page == _runFirst + _runPages)
            {
                _runPages++;
                continue;
            }
            if (_runPages > 0 && page + 1UL == _runFirst)
            {
                (_runFirst, _runPages) = (page, _runPages + 1);
                continue;
            }
            EndRun();
            (_runFirst, _runPages) = (page, 1);
        }
        EndRun();
    }

    private void EndRun()
    {
        if (_runPages == 0)
            return;
        ulong bytes = _runPages << PageShift;
        if (_memory.TryPointer(new GuestAddress(_runFirst << PageShift), bytes, out byte* start))
            Counters.InflatedBytes += (long)_memory.GiveBack(new MemoryPart(start, (nuint)bytes));
        else
            Counters.RefusedPages += (long)_runPages;
    }

    private void Report()
    {
        // Filled pages must be found filled (5.5.6.6.2): with anything but zeros they stay.
        if (_poison && _config.Value.PoisonValue != 0)
        {
            Counters.IgnoredReports++;
            return;
        }
        fixed (MemoryPart* parts = _parts)
        {
            int count = _chain.Writable(0, ulong.MaxValue, parts, QueueSize);
            for (int i = 0; i < count; i++)
                Counters.ReportedBytes += (long)_memory.GiveBack(parts[i]);
        }
    }

    private void ReadStatistics()
    {
        Span<byte> bytes = stackalloc byte[MaxStatistics * StatisticBytes];
        int length = _chain.Read(0, bytes);
        for (int at = 0; at + StatisticBytes <= length; at += StatisticBytes)
        {
            int tag = BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
            if (tag < BalloonCounters.Tags)
                Counters.Guest[tag] = (long)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(bytes[(at + 2)..]), long.MaxValue);
        }
    }
}
