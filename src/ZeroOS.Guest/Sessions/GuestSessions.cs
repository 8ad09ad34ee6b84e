using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Node;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// The sessions of this guest, each with a connection to the node and a thread of its own. There are some only between the workload's start and its end.
/// Thread-safe.
/// </summary>
internal sealed class GuestSessions(Dial dial)
{
    /// <summary>Sessions at once.</summary>
    internal const int Most = 64;

    // A flood of orders gets refusals as long as they too are few, then nothing.
    private const int MostRefused = 64;

    // The node takes so many connections a second and no more.
    private const int DialTries = 50, DialPauseMs = 20;

    private readonly object _lock = new();
    private readonly HashSet<SessionLink> _links = [];
    private IReadOnlyDictionary<string, SessionKind>? _kinds;
    private int _threads;

    /// <summary>The workload runs, and there can be sessions of these kinds (names of <see cref="SessionKinds"/>).</summary>
    internal void Open(IReadOnlyDictionary<string, SessionKind> kinds)
    {
        lock (_lock)
            _kinds = kinds;
    }

    /// <summary>Makes the session that the node wants; returns at once. Before the workload's start and after its end it does nothing.</summary>
    internal void Dial(GuestSession order, byte[] secret)
    {
        lock (_lock)
        {
            if (_kinds is null || _threads == Most + MostRefused || order.Token.Length != GuestProtocol.TokenBytes)
            {
                GuestConsole.Say("ignored an order to make a session");
                return;
            }
            SessionKind kind = _threads >= Most
                ? SessionKind.Refusing(SessionCloseReason.OverCapacity, $"the machine has {Most} sessions, the most there are")
                : _kinds.GetValueOrDefault(order.Kind)
                ?? SessionKind.Refusing(SessionCloseReason.Refused, $"the machine knows no session of kind {order.Kind}");
            _threads++;
            new Thread(() => Run([.. secret, .. order.Token], kind), 256 * 1024) { Name = "session", IsBackground = true }.Start();
        }
    }

    /// <summary>The workload ended: so do all sessions, those that outlive it by themselves. Returns at once.</summary>
    internal void End()
    {
        lock (_lock)
        {
            _kinds = null;
            foreach (SessionLink link in _links)
                EndWithMachine(link);
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Waits until no session is left, at most <paramref name="timeout"/>.</summary>
    internal void WaitUntilNone(TimeSpan timeout)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        lock (_lock)
        {
            while (_threads > 0 && Environment.TickCount64 < deadline)
                Monitor.Wait(_lock, (int)(deadline - Environment.TickCount64));
        }
    }

    private void Run(byte[] introduction, SessionKind kind)
    {
        try
        {
            if (TryDial() is not { } socket)
                return;
            if (socket.TrySendAll(introduction) != Errno.None)
                socket.Dispose();
            else
                Serve(socket, kind);
        }
        catch (Exception e)
        {
            // The boundary of one session: whatever is wrong with it, the guest goes on.
            GuestConsole.Say($"a session broke: {e.Message}");
        }
        finally
        {
            lock (_lock)
            {
                _threads--;
                Monitor.PulseAll(_lock);
            }
        }
    }

    private void Serve(StreamSocket socket, SessionKind kind)
    {
        using SessionOrders orders = kind.MakeOrders();
        using SessionLink link = new(socket, kind.Channels, orders);
        SessionEnd end = new(SessionCloseReason.Internal, "the session broke inside the machine");
        if (!kind.OutlivesWorkload)
            Add(link);
        try
        {
            end = kind.Run(link, orders);
        }
        finally
        {
            link.Close(end);
            lock (_lock)
                _links.Remove(link);
        }
    }

    private void Add(SessionLink link)
    {
        lock (_lock)
        {
            _links.Add(link);
            if (_kinds is null)
                EndWithMachine(link);
        }
    }

    private static void EndWithMachine(SessionLink link) => link.End(new SessionEnd(SessionCloseReason.MachineEnded, "the machine ended"));

    private StreamSocket? TryDial()
    {
        for (int i = 0; i < DialTries; i++)
        {
            if (dial(out _) is { } socket)
                return socket;
            lock (_lock)
            {
                if (_kinds is null)
                    return null;
                Monitor.Wait(_lock, DialPauseMs);
            }
        }
        GuestConsole.Say("the node did not take the connection of a session that it wanted");
        return null;
    }
}
