using ZeroOS.Linux;
using ZeroOS.Vmm.Events;

namespace ZeroOS.Vmm.Devices.Block;

/// <summary>
/// Moves bytes between a file and guest memory: through an io_uring where the kernel gives one, else with system calls that wait. Completions are reported to
/// <paramref name="completed"/> on the event loop's thread, short transfers only after the rest was tried.
/// </summary>
internal sealed unsafe class FileEngine : IEventSource, IDisposable
{
    private const int PunchHole = 2, KeepSize = 1, ZeroRange = 0x10;
    private readonly FileDescriptor _file;
    private readonly BlockRequest[] _requests;
    private readonly Action<BlockRequest, BlockStatus> _completed;
    private readonly Action _batchDone;
    private readonly IoRing? _ring;
    private int _inFlight;

    /// <summary>An engine for the requests of a pool.</summary>
    public FileEngine(FileDescriptor file, BlockRequest[] requests, EventLoop loop, bool allowRing, Action<BlockRequest, BlockStatus> completed, Action batchDone)
    {
        (_file, _requests, _completed, _batchDone) = (file, requests, completed, batchDone);
        _ring = allowRing ? IoRing.TryCreate(file, (uint)requests.Length, out _) : null;
        if (_ring != null)
            loop.Add(_ring.Completed.Descriptor, Readiness.Readable, this, 0);
    }

    /// <summary>Whether an io_uring is used.</summary>
    public bool UsesRing => _ring != null;

    /// <summary>Begins a request whose bounds are checked; may complete it at once.</summary>
    public void Start(BlockRequest request)
    {
        _inFlight++;
        if (_ring == null)
            RunNow(request);
        else if (!TryQueue(request))
            Finish(request, BlockStatus.IoError);
    }

    /// <summary>Hands what was begun to the kernel.</summary>
    public void Submit() => _ = _ring?.Submit();

    /// <summary>Waits until nothing is in flight; completions are reported as always.</summary>
    public void Drain()
    {
        while (_inFlight > 0)
        {
            _ = _ring!.Submit();
            _ring.WaitForOne();
            TakeAll();
        }
    }

    /// <inheritdoc/>
    public void OnReady(int tag, Readiness ready)
    {
        _ = _ring!.Completed.Take();
        TakeAll();
        _ = _ring.Submit();
        _batchDone();
    }

    /// <inheritdoc/>
    public void Dispose() => _ring?.Dispose();

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

    private void RunNow(BlockRequest r)
    {
        Errno errno = Errno.None;
        switch (r.Operation)
        {
            case BlockOperation.In or BlockOperation.Out:
                while (errno == Errno.None && r.Done < r.Length)
                {
                    int count = r.Collect();
                    errno = r.Operation == BlockOperation.In
                        ? ScatteredIo.TryReadAt(_file, r.Parts, count, r.Offset + r.Done, out long moved)
                        : ScatteredIo.TryWriteAt(_file, r.Parts, count, r.Offset + r.Done, out moved);
                    r.Done += moved;
                    if (moved == 0 && errno == Errno.None)
                        errno = Errno.EIO;
                }
                break;
            case BlockOperation.Flush:
                errno = ScatteredIo.TrySyncData(_file);
                break;
            default:
                errno = ScatteredIo.TryAllocate(_file, AllocateMode(r), r.Offset, r.Length);
                break;
        }
        Finish(r, Judge(errno));
    }

    private void Finish(BlockRequest request, BlockStatus status)
    {
        _inFlight--;
        _completed(request, status);
    }
}
