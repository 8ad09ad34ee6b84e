using System.Collections.Concurrent;

using ZeroOS.Linux;

namespace ZeroOS.Host.Loops;

/// <summary>
/// One thread for any number of clients. State of a client belongs to this thread; others <see cref="Post"/>. Each call into a client has its own frame: what
/// it throws ends that client and nobody else. Nothing that waits may run here; that goes to a <see cref="WorkerPool"/>.
/// </summary>
internal sealed class ClientLoop : IDisposable
{
    private const int EventsAtOnce = 64;
    private const ulong WakeToken = 0;
    private readonly Epoll _epoll = new();
    private readonly EventFd _wake = new();
    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<(ILoopClient Client, Action Work)> _posted = new();
    private readonly Dictionary<ulong, LoopWatch> _watches = [];
    private readonly Dictionary<ILoopClient, (long At, long Order)> _dueOf = [];
    private readonly SortedDictionary<(long At, long Order), ILoopClient> _due = [];
    private readonly ILog _log;
    private readonly Thread _thread;
    private ulong _lastToken;
    private long _lastOrder;
    private bool _stopping;

    /// <summary>Starts the thread <paramref name="name"/>.</summary>
    public ClientLoop(string name, ILog log)
    {
        _log = log;
        _epoll.Add(_wake.Descriptor, Readiness.Readable, WakeToken);
        _thread = new Thread(Run, 512 * 1024) { Name = name, IsBackground = true };
        _thread.Start();
    }

    /// <summary>Milliseconds of a clock that never goes back: what <see cref="SetDue"/> counts in.</summary>
    public static long Now => Environment.TickCount64;

    /// <summary>
    /// Runs <paramref name="work"/> on the loop's thread, in the order of posting. False after <see cref="Dispose"/>: it is dropped, as what was posted and had
    /// no turn is.
    /// </summary>
    public bool Post(ILoopClient client, Action work)
    {
        lock (_gate)
        {
            if (_stopping)
                return false;
            _posted.Enqueue((client, work));
            _wake.Signal();
            return true;
        }
    }

    /// <summary>Watches a descriptor; only on the loop's thread.</summary>
    /// <exception cref="LinuxException">The descriptor is of a kind that cannot be watched.</exception>
    public LoopWatch Watch(ILoopClient client, FileDescriptor descriptor)
    {
        LoopWatch watch = new(client, descriptor, ++_lastToken);
        Change(watch, Readiness.Readable);
        _watches[watch.Token] = watch;
        return watch;
    }

    /// <summary>Changes what a descriptor is watched for; only on the loop's thread.</summary>
    public void Change(LoopWatch watch, Readiness interest)
    {
        if (watch.Interest == interest)
            return;
        if (interest == Readiness.None)
            _epoll.Remove(watch.Descriptor);
        else if (watch.Interest == Readiness.None)
            _epoll.Add(watch.Descriptor, interest, watch.Token);
        else
            _epoll.Change(watch.Descriptor, interest, watch.Token);
        watch.Interest = interest;
    }

    /// <summary>Ends a watch, before its descriptor is closed; only on the loop's thread. A second time it does nothing.</summary>
    public void Remove(LoopWatch? watch)
    {
        if (watch is null || !_watches.Remove(watch.Token))
            return;
        Change(watch, Readiness.None);
    }

    /// <summary>
    /// Calls <see cref="ILoopClient.OnDue"/> once at <paramref name="atMs"/>, instead of a time set before; <see cref="long.MaxValue"/>: never. Only on the
    /// loop's thread.
    /// </summary>
    public void SetDue(ILoopClient client, long atMs)
    {
        if (_dueOf.Remove(client, out (long At, long Order) before))
            _due.Remove(before);
        if (atMs == long.MaxValue)
            return;
        (long At, long Order) key = (atMs, ++_lastOrder);
        _dueOf[client] = key;
        _due[key] = client;
    }

    /// <summary>Stops the thread: no client is called any more. What the clients own is theirs to close.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopping)
                return;
            _stopping = true;
            _wake.Signal();
        }
        _thread.Join();
        _epoll.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        Span<(ulong Token, Readiness Ready)> ready = new (ulong Token, Readiness Ready)[EventsAtOnce];
        while (!Volatile.Read(ref _stopping))
        {
            int count = _epoll.Wait(ready, TimeoutMs());
            _ = _wake.Take();
            // What is posted meanwhile has its turn after the descriptors.
            for (int posted = _posted.Count;
                posted > 0 && !Volatile.Read(ref _stopping) && _posted.TryDequeue(out (ILoopClient Client, Action Work) next); posted--)
                Serve(next.Client, next.Work);
            for (int i = 0; i < count && !Volatile.Read(ref _stopping); i++)
            {
                // One that was removed a moment ago is not there any more; its token is nobody else's.
                if (_watches.TryGetValue(ready[i].Token, out LoopWatch? watch))
                    Serve(watch, ready[i].Ready);
            }
            while (!Volatile.Read(ref _stopping) && FirstDue <= Now)
            {
                ILoopClient client = _due.First().Value;
                SetDue(client, long.MaxValue);
                Serve(client, client.OnDue);
            }
        }
    }

    private long FirstDue => _due.Count == 0 ? long.MaxValue : _due.First().Key.At;

    private int TimeoutMs()
    {
        if (!_posted.IsEmpty)
            return 0;
        return FirstDue == long.MaxValue ? -1 : (int)Math.Clamp(FirstDue - Now, 0, int.MaxValue);
    }

    private void Serve(LoopWatch watch, Readiness ready)
    {
        try
        {
            watch.Client.OnReady(watch, ready);
        }
        catch (Exception e)
        {
            Fault(watch.Client, e);
        }
    }

    private void Serve(ILoopClient client, Action work)
    {
        try
        {
            work();
        }
        catch (Exception e)
        {
            Fault(client, e);
        }
    }

    private void Fault(ILoopClient client, Exception fault)
    {
        try
        {
            client.OnFault(fault);
        }
        catch (Exception e)
        {
            // It cannot even end itself. It is not listened to any more; its owner sees its process end.
            foreach (LoopWatch watch in _watches.Values.Where(w => w.Client == client).ToArray())
                Remove(watch);
            SetDue(client, long.MaxValue);
            _log.Error($"loop={_thread.Name} client dropped after {fault.GetType().Name}, which it answered by {e.GetType().Name}: {e.Message}");
        }
    }
}
