using System.Security.Cryptography;

using ZeroOS.Contracts.Guest;
using ZeroOS.Host.Loops;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Machines;

/// <summary>
/// The sessions of one machine until they are streams: the orders to dial that zguest has, and the connections that have not shown yet for which of them they
/// are. Any process in the guest may dial the port. A connection counts with the machine's secret and the token of an order, its first 48 bytes, of which
/// nothing is known outside zguest; not a byte behind them is read. Lives on the loop's thread; <see cref="OpenAsync"/> is for any.
/// </summary>
internal sealed class SessionDials(MachineRecord record, MachineContext context) : ILoopClient
{
    /// <summary>Orders of one machine that wait for their connections.</summary>
    internal const int MaxOrders = 64;

    /// <summary>Connections of one machine that have not shown for what they are; one more, and the oldest goes.</summary>
    internal const int MaxNewcomers = 8;

    /// <summary>
    /// Connections that are taken at once, and then one in so many milliseconds. Those to zguest's own port have another rate: a flood here leaves it alone.
    /// </summary>
    internal const int ConnectBurst = 32, ConnectEveryMs = 50;

    private const int ShownBytes = GuestProtocol.SecretBytes + GuestProtocol.TokenBytes;

    private readonly TokenBucket _connects = new(ConnectBurst, ConnectEveryMs);
    private readonly List<Order> _orders = [];
    private readonly List<Newcomer> _newcomers = [];
    private readonly HashSet<LoopStream> _streams = [];
    private bool _closed;

    /// <summary>Orders a connection and waits for it. <paramref name="send"/>, on the loop's thread: false when no guest is there to be asked.</summary>
    /// <exception cref="WorkloadException">not-running, no-answer; busy: <see cref="MaxOrders"/> wait already.</exception>
    public async Task<Stream> OpenAsync(string kind, Func<GuestSession, bool> send, CancellationToken cancellation)
    {
        Order order = new(ClientLoop.Now + context.Sessions.AnswerMs);
        if (!context.Loop.Post(this, () => Begin(order, kind, send)))
            throw NotRunning();
        await using CancellationTokenRegistration registration = cancellation.UnsafeRegister(_ => order.Connection.TrySetCanceled(cancellation), null);
        try
        {
            return await order.Connection.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            context.Loop.Post(this, () => _orders.Remove(order));
            throw;
        }
    }

    /// <summary>Somebody in the guest dialled.</summary>
    public void Accept(StreamSocket socket)
    {
        if (_closed || !_connects.TryTake(ClientLoop.Now))
        {
            socket.Dispose();
            return;
        }
        if (_newcomers.Count == MaxNewcomers)
            Drop(_newcomers[0]);
        Newcomer newcomer = new(socket, ClientLoop.Now + context.Sessions.ProveMs);
        _newcomers.Add(newcomer);
        try
        {
            newcomer.Watch = context.Loop.Watch(this, socket.Descriptor);
        }
        catch (LinuxException)
        {
            Drop(newcomer);
        }
        SetDue();
    }

    /// <summary>Ends what waits; what is open ends with the monitor.</summary>
    public void Close()
    {
        _closed = true;
        while (_newcomers.Count > 0)
            Drop(_newcomers[0]);
        Fail(_ => true, NotRunning);
        SetDue();
    }

    /// <summary>Lets go of everything once the loop has ended: the machine goes on, its sessions do not.</summary>
    public void Abandon()
    {
        _newcomers.ForEach(n => n.Socket.Dispose());
        _newcomers.Clear();
        Fail(_ => true, NotRunning);
        foreach (LoopStream stream in _streams)
            stream.Dispose();
        _streams.Clear();
    }

    /// <inheritdoc/>
    public void OnReady(LoopWatch watch, Readiness ready)
    {
        if (_newcomers.Find(n => n.Watch == watch) is not { } newcomer)
            return;
        Errno errno = newcomer.Socket.TryReceiveNow(newcomer.Shown.AsSpan(newcomer.Have), out int read);
        if (errno == Errno.EAGAIN)
            return;
        newcomer.Have += read;
        if (errno != Errno.None || read == 0)
            Drop(newcomer);
        else if (newcomer.Have == ShownBytes)
            Prove(newcomer);
        SetDue();
    }

    /// <inheritdoc/>
    public void OnDue()
    {
        long now = ClientLoop.Now;
        foreach (Newcomer late in _newcomers.Where(n => n.Until <= now).ToArray())
            Drop(late);
        Fail(o => o.Until <= now, () => new WorkloadException("no-answer", $"the guest of machine {record.Id} does not answer"));
        SetDue();
    }

    /// <inheritdoc/>
    public void OnFault(Exception fault)
    {
        context.Log.Error($"machine={record.Id} guest sessions that wait end: {fault.GetType().Name}: {fault.Message}");
        while (_newcomers.Count > 0)
            Drop(_newcomers[0]);
        Fail(_ => true, () => new WorkloadException("no-answer", "a fault of the node; its log says more"));
    }

    private void Begin(Order order, string kind, Func<GuestSession, bool> send)
    {
        if (order.Connection.Task.IsCompleted)
            return;
        // Those that were given up are gone already.
        if (_orders.Count >= MaxOrders)
            order.Connection.TrySetException(new WorkloadException("busy", $"{MaxOrders} sessions of machine {record.Id} wait for its guest already"));
        else if (_closed || !send(new GuestSession { Token = order.Token, Kind = kind }))
            order.Connection.TrySetException(NotRunning());
        else
            _orders.Add(order);
        SetDue();
    }

    private void Prove(Newcomer newcomer)
    {
        bool isZguest = record.IsSecret(newcomer.Shown.AsSpan(0, GuestProtocol.SecretBytes));
        Order? meant = null;
        foreach (Order order in _orders)
        {
            if (CryptographicOperations.FixedTimeEquals(order.Token, newcomer.Shown.AsSpan(GuestProtocol.SecretBytes)))
                meant = order;
        }
        if (!isZguest || meant is null)
        {
            Drop(newcomer);
            return;
        }
        _orders.Remove(meant);
        _newcomers.Remove(newcomer);
        context.Loop.Remove(newcomer.Watch);
        LoopStream stream = new(context.Loop, newcomer.Socket, s => _streams.Remove(s));
        _streams.Add(stream);
        if (!meant.Connection.TrySetResult(stream))
            stream.Dispose();
    }

    private void Drop(Newcomer newcomer)
    {
        _newcomers.Remove(newcomer);
        context.Loop.Remove(newcomer.Watch);
        newcomer.Socket.Dispose();
    }

    private void Fail(Predicate<Order> which, Func<WorkloadException> why)
    {
        foreach (Order order in _orders.FindAll(which))
        {
            _orders.Remove(order);
            order.Connection.TrySetException(why());
        }
    }

    private void SetDue() =>
        context.Loop.SetDue(this, _newcomers.Select(n => n.Until).Concat(_orders.Select(o => o.Until)).DefaultIfEmpty(long.MaxValue).Min());

    private WorkloadException NotRunning() => new("not-running", $"machine {record.Id} does not run, or its program has not started");

    private sealed class Order(long until)
    {
        public byte[] Token { get; } = RandomNumberGenerator.GetBytes(GuestProtocol.TokenBytes);

        public long Until { get; } = until;

        public TaskCompletionSource<Stream> Connection { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Newcomer(StreamSocket socket, long until)
    {
        public StreamSocket Socket { get; } = socket;

        public long Until { get; } = until;

        public byte[] Shown { get; } = new byte[ShownBytes];

        public int Have { get; set; }

        public LoopWatch? Watch { get; set; }
    }
}
