using ZeroOS.Contracts.Guest;
using ZeroOS.Host.Guests;
using ZeroOS.Host.Loops;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Machines;

/// <summary>
/// The place of one guest at the node: one connection that has shown who it is, and at most one newcomer that has not. Any process in the guest may dial the
/// port; a newcomer takes the place only with the machine's secret, which zguest alone was told before any workload ran. Lives on the loop's thread.
/// </summary>
internal sealed class GuestPlace(MachineRecord record, MachineContext context, IMachineEvents events, MachineEventQueue queue,
    Func<GuestStop?> stopAsked, Action<GuestUse> heardUse, Action gone)
    : IGuestEvents
{
    /// <summary>Connections of one machine that are taken at once, and then one in so many milliseconds; what is beyond is closed unread.</summary>
    internal const int ConnectBurst = 16, ConnectEveryMs = 100;

    /// <summary>Lines about refused connections of one machine at once, and then one in so many milliseconds.</summary>
    internal const int LogBurst = 4, LogEveryMs = 30_000;

    /// <summary>Health reports of one machine at once, and then one in so many milliseconds: a probe a second, and those of the time nobody read.</summary>
    internal const int HealthBurst = 64, HealthEveryMs = 250;

    /// <summary>Bytes of output a guest can drop in a millisecond at most: more than any memory copies.</summary>
    private const long DropBytesPerMs = 16L << 20;

    private readonly TokenBucket _connects = new(ConnectBurst, ConnectEveryMs), _lines = new(LogBurst, LogEveryMs),
        _healths = new(HealthBurst, HealthEveryMs);
    private readonly SessionDials _sessions = new(record, context);
    private GuestConnection? _trusted;
    private GuestConnection? _newcomer;
    private GuestConnection? _askedForUse;
    private OutputBatch _batch = new();
    private bool _greeted;
    private bool _reportedStart;
    private long _logNext;
    private long _logHeardMs = record.BornMs;
    private long _linesLeftOut;

    /// <summary>Nobody is there.</summary>
    public bool IsEmpty => _trusted is null && _newcomer is null;

    // The guest, while its workload runs.
    private GuestConnection? WithWorkload => _greeted && _reportedStart && record.Exited is null ? _trusted : null;

    /// <summary>The guest dialled. The newest that has not shown who it is counts: one that is silent keeps nobody out.</summary>
    public void Accept(StreamSocket socket)
    {
        if (!_connects.TryTake(ClientLoop.Now))
        {
            socket.Dispose();
            return;
        }
        GuestConnection? before = _newcomer;
        _newcomer = new GuestConnection(context.Loop, socket, this, context.Unsent);
        before?.Close();
        try
        {
            _newcomer.Open();
        }
        catch (LinuxException e)
        {
            _newcomer.OnFault(e);
        }
    }

    /// <summary>The guest dialled the port for sessions.</summary>
    public void AcceptSession(StreamSocket socket) => _sessions.Accept(socket);

    /// <summary>Has the guest dial for a session, once it has shown who it is and its workload runs; from any thread.</summary>
    public Task<Stream> OpenSessionAsync(string kind, CancellationToken cancellation) =>
        _sessions.OpenAsync(kind, order => WithWorkload?.OpenSession(order) == true, cancellation);

    /// <summary>Hands one signal to the guest; false when there is none whose workload runs.</summary>
    public bool Signal(int number) => WithWorkload?.Signal(number) == true;

    /// <summary>
    /// Asks the guest what its workload uses; false when there is none whose workload runs, or it owes an answer: it may not know the question.
    /// </summary>
    public bool AskForUse()
    {
        if (WithWorkload is not { } guest || guest == _askedForUse)
            return false;
        _askedForUse = guest;
        return guest.WantUse();
    }

    /// <summary>Asks the guest to stop, if it is there; one that comes later is asked then.</summary>
    public void Stop(GuestStop stop)
    {
        if (_greeted)
            _trusted?.Stop(stop);
    }

    /// <summary>What was read is stored: go on reading.</summary>
    public void MayRead() => _trusted?.Resume();

    /// <summary>Closes both connections. Sessions that are open end with the monitor, which has their other ends.</summary>
    public void Close()
    {
        _sessions.Close();
        _newcomer?.Close();
        _trusted?.Close();
    }

    /// <summary>Lets go of both once the loop has ended.</summary>
    public void Abandon()
    {
        _newcomer?.Abandon();
        _trusted?.Abandon();
        _sessions.Abandon();
    }

    string? IGuestEvents.Hello(GuestConnection connection, GuestHello hello)
    {
        if (!hello.HasSpec)
        {
            if (record.Claimed)
                return "somebody else has the specification";
            Trust(connection);
            connection.SendSpec(record.Secret, record.ReadSpec() with { UnixTimeNs = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100 });
            return null;
        }
        if (!record.IsSecret(hello.Secret))
            return "a hello without the machine's secret";
        Trust(connection);
        Greet(connection);
        if (hello.Running)
            ReportStart();
        return null;
    }

    string? IGuestEvents.Claim(GuestConnection connection, ReadOnlySpan<byte> secret)
    {
        if (connection != _trusted || !record.IsSecret(secret))
            return "a claim without the machine's secret";
        Greet(connection);
        return null;
    }

    void IGuestEvents.Started(GuestConnection connection, GuestStarted started) => ReportStart();

    void IGuestEvents.Exited(GuestConnection connection, GuestExited exited) =>
        Store(connection, () => record.Exited is null, new MachineFact { Exited = exited });

    void IGuestEvents.Failed(GuestConnection connection, GuestFailure failure) =>
        Store(connection, () => record.Failed is null, new MachineFact { Failed = failure });

    string? IGuestEvents.Log(GuestConnection connection, long offset, OutputStream stream, ReadOnlySpan<byte> bytes)
    {
        if (!_greeted)
            return "output that nobody asked for";
        long now = ClientLoop.Now;
        // Beyond this it is not output that was dropped: it would make the node take all that comes later for known.
        if (offset - _logNext > GuestProtocol.LogRingBytes + ((now - _logHeardMs + 1) * DropBytesPerMs))
            return "a log offset beyond what a guest can have dropped";
        (_logNext, _logHeardMs) = (offset + bytes.Length, now);
        _batch.Add(offset, stream, bytes);
        return null;
    }

    string? IGuestEvents.Health(GuestConnection connection, GuestHealthReport report)
    {
        if (!_greeted || !record.HasHealth)
            return "health that nobody asked for";
        if (!_healths.TryTake(ClientLoop.Now))
            return "more health reports than there are probes";
        queue.Add(() => events.Health(record.Id, report), report.Result?.Output.Length ?? 0);
        return null;
    }

    string? IGuestEvents.Use(GuestConnection connection, GuestUse use)
    {
        if (connection != _askedForUse)
            return "what its workload uses, which nobody asked for";
        _askedForUse = null;
        heardUse(use);
        return null;
    }

    void IGuestEvents.Delivered(GuestConnection connection)
    {
        TellOutput();
        if (queue.IsFull)
            connection.Pause();
    }

    void IGuestEvents.Closed(GuestConnection connection, string? violation)
    {
        if (violation is not null)
            Complain(violation);
        if (connection == _newcomer)
            _newcomer = null;
        if (connection == _trusted)
            (_trusted, _greeted) = (null, false);
        if (connection == _askedForUse)
            _askedForUse = null;
        gone();
    }

    private void Trust(GuestConnection connection)
    {
        GuestConnection? before = _trusted;
        (_trusted, _greeted) = (connection, false);
        if (connection == _newcomer)
            _newcomer = null;
        before?.Close();
    }

    // From here on the secret counts, and the next node knows it; then the guest hears where output goes on, and that the workload may start.
    private void Greet(GuestConnection connection)
    {
        if (!record.Claimed)
            record.Add(new MachineFact { Claimed = true });
        queue.Add(() =>
        {
            try
            {
                long from = events.OutputWantedFrom(record.Id);
                context.Loop.Post(connection, () => GoOn(connection, from));
            }
            catch (Exception e)
            {
                context.Loop.Post(connection, () => connection.OnFault(e));
            }
        });
    }

    private void GoOn(GuestConnection connection, long from)
    {
        if (connection != _trusted)
            return;
        (_logNext, _greeted) = (from, true);
        connection.LogsFrom(from);
        if (record.HasHealth)
            connection.WantHealth();
        if (stopAsked() is { } stop)
            connection.Stop(stop);
    }

    private void ReportStart()
    {
        if (_reportedStart)
            return;
        _reportedStart = true;
        queue.Add(() => events.Started(record.Id));
    }

    // Behind the output that came before it.
    private void Store(GuestConnection connection, Func<bool> isNew, MachineFact fact)
    {
        TellOutput();
        queue.Add(() =>
        {
            if (isNew())
                record.Add(fact);
            context.Loop.Post(connection, connection.Acknowledge);
        });
    }

    private void TellOutput()
    {
        if (_batch.IsEmpty)
            return;
        OutputBatch batch = _batch;
        _batch = new OutputBatch();
        queue.Add(() => batch.Tell((offset, stream, bytes) => events.Output(record.Id, offset, stream, bytes.Span)), batch.SizeBytes);
    }

    private void Complain(string violation)
    {
        if (!_lines.TryTake(ClientLoop.Now))
        {
            _linesLeftOut++;
            return;
        }
        context.Log.Warn($"machine={record.Id} guest connection ended: {violation}{(_linesLeftOut > 0 ? $" ({_linesLeftOut} such lines left out)" : "")}");
        _linesLeftOut = 0;
    }
}
