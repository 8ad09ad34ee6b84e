using ZeroOS.Linux;
using ZeroOS.Vmm.Events;

namespace ZeroOS.Vmm.Devices.Block;

/// <summary>
/// Moves bytes between a file and guest memory: through an io_uring where the kernel gives one, else with system calls that wait, a bounded number of bytes a
/// turn of the event loop. Completions are reported on the event loop's thread, short transfers only after the rest was tried.
/// </summary>
internal sealed unsafe class FileEngine : IEventSource, IDisposable
{
    private const int PunchHole = 2, KeepSize = 1, ZeroRange = 0x10, TurnRequests = 16;
    private const long TurnBytes = 1 << 20;
    private readonly FileDescriptor _file;
    private readonly BlockRequest[] _requests;
    private readonly Action<BlockRequest, BlockStatus> _completed;
    private readonly Action _batchDone;
    private readonly IoRing? _ring;
    private readonly EventFd? _more;
    private readonly Queue<BlockRequest> _begun;
    private int _inFlight;

    /// <summary>An engine for the requests of a pool.</summary>
    public FileEngine(FileDescriptor file, BlockRequest[] requests, EventLoop loop, bool allowRing, Action<BlockRequest, BlockStatus> completed,
        Action batchDone)
    {
        (_file, _requests, _completed, _batchDone) = (file, requests, completed, batchDone);
        _begun = new Queue<BlockRequest>(requests.Length);
        _ring = allowRing ? IoRing.TryCreate(file, (uint)requests.Length, out _) : null;
        _more = _ring == null ? new EventFd() : null;
        loop.Add((_ring?.Completed ?? _more!).Descriptor, Readiness.Readable, this, 0);
    }

    /// <summary>Whether an io_uring is used.</summary>
    public bool UsesRing => _ring != null;

    /// <summary>Begins a request whose bounds are checked.</summary>
    public void Start(BlockRequest request)
    {
        _inFlight++;
        if (_ring == null)
            _begun.Enqueue(request);
        else if (!TryQueue(request))
            Finish(request, BlockStatus.IoError);
    }

    /// <summary>Hands what was begun to the kernel. Without a ring, does a turn's worth of it.</summary>
    public void Submit()
    {
        if (_ring != null)
            _ = _ring.Submit();
        else
            Work(TurnBytes);
    }

    /// <summary>Waits until nothing is in flight; completions are reported as always.</summary>
    public void Drain()
    {
        while (_inFlight > 0)
        {
            if (_ring == null)
            {
                Work(long.MaxValue);
                continue;
            }
            _ = _ring.Submit();
            _ring.WaitForOne();
            TakeAll();
        }
    }

    /// <inheritdoc/>
    public void OnReady(int tag, Readiness ready)
    {
        _ = (_ring?.Completed ?? _more!).Take();
        if (_ring != null)
            TakeAll();
        Submit();
        _batchDone();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ring?.Dispose();
        _more?.Dispose();
    }

    private static int AllocateMode(BlockRequest r) => r.Unmap ? PunchHole | KeepSize : ZeroRange | KeepSize;

    private static BlockStatus Judge(Errno errno) => errno switch
    {
        Errno.None => BlockStatus.Ok,
        Errno.EOPNOTSUPP => BlockStatus.Unsupported,
        _ => BlockStatus.IoError,
    };

    private void TakeAll()
    {
        while (_ring!.TryTake(out RingCompletion c))
        {
            BlockRequest request = _requests[c.Token];
            if (c.Result < 0)
                Finish(request, Judge((Errno)(-c.Result)));
            else if (request.Operation is BlockOperation.In or BlockOperation.Out)
                Advance(request, c.Result);
            else
                Finish(request, BlockStatus.Ok);
        }
    }

    private void Advance(BlockRequest request, int moved)
    {
        request.Done += moved;
        if (request.Done >= request.Length)
            Finish(request, BlockStatus.Ok);
        else if (moved == 0 || !TryQueue(request))
            Finish(request, BlockStatus.IoError);
    }

    private bool TryQueue(BlockRequest r)
    {
        ulong token = (ulong)r.Index;
        return r.Operation switch
        {
            BlockOperation.In => _ring!.TryQueueRead(r.Parts, r.Collect(), r.Offset + r.Done, token),
            BlockOperation.Out => _ring!.TryQueueWrite(r.Parts, r.Collect(), r.Offset + r.Done, token),
            BlockOperation.Flush => _ring!.TryQueueSyncData(token),
            _ => _ring!.TryQueueAllocate(AllocateMode(r), r.Offset, r.Length, token),
        };
    }

    // In order, a large request in pieces; what the budget does not reach waits for the next turn of the event loop.
    private void Work(long budget)
    {
        int left = TurnRequests;
        while (_begun.TryPeek(out BlockRequest? request) && budget > 0 && left > 0)
        {
            Errno errno = RunPart(request, budget, out long moved);
            budget -= moved;
            if (errno == Errno.None && request.Operation is BlockOperation.In or BlockOperation.Out && request.Done < request.Length)
                continue;
            left--;
            _ = _begun.Dequeue();
            Finish(request, Judge(errno));
        }
        if (_begun.Count > 0)
            _more!.Signal();
    }

    private Errno RunPart(BlockRequest r, long most, out long moved)
    {
        // A flush or an allocation takes as long as it takes: it is the last of its turn.
        moved = most;
        if (r.Operation == BlockOperation.Flush)
            return ScatteredIo.TrySyncData(_file);
        if (r.Operation is not (BlockOperation.In or BlockOperation.Out))
            return ScatteredIo.TryAllocate(_file, AllocateMode(r), r.Offset, r.Length);
        moved = 0;
        if (r.Done == r.Length)
            return Errno.None;
        int count = r.Collect(most);
        Errno errno = r.Operation == BlockOperation.In
            ? ScatteredIo.TryReadAt(_file, r.Parts, count, r.Offset + r.Done, out moved)
            : ScatteredIo.TryWriteAt(_file, r.Parts, count, r.Offset + r.Done, out moved);
        r.Done += moved;
        return moved == 0 && errno == Errno.None ? Errno.EIO : errno;
    }

    private void Finish(BlockRequest request, BlockStatus status)
    {
        _inFlight--;
        _completed(request, status);
    }
}
