using ZeroOS.Bus.Sessions;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Ports;

/// <summary>
/// A machine's session for connections: opened at the first, closed when there was none for <paramref name="idle"/>. Another comes after it, also when the node
/// has ended it.
/// </summary>
/// <param name="node">Where the machine is.</param>
/// <param name="machine">Its name.</param>
/// <param name="places">One for each session that is open; no session is opened without.</param>
/// <param name="idle">How long it stays open without a connection.</param>
internal sealed class LazySession(NodePool node, MachineName machine, SemaphoreSlim places, TimeSpan idle) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ends = new();
    private Opened? _now;
    private Task _lives = Task.CompletedTask;

    /// <summary>Calls <paramref name="carry"/> with the session, and returns when that does.</summary>
    /// <exception cref="SessionException">There is none: there are too many, or the machine ended, or what <paramref name="carry"/> throws.</exception>
    public async Task UseAsync(Func<Session, Task> carry, CancellationToken cancellation)
    {
        Opened one = Take();
        try
        {
            await carry(await one.Session.Task.WaitAsync(cancellation));
        }
        finally
        {
            lock (_lock)
            {
                if (--one.Users == 0 && !one.IsOver)
                    one.Rest.Change(idle, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Closes it; there is no other then.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        Task lives;
        lock (_lock)
        {
            _now?.Leave();
            lives = _lives;
        }
        await lives;
        _ends.Dispose();
    }

    private Opened Take()
    {
        lock (_lock)
        {
            if (_now is { IsUsable: true } now)
            {
                now.Users++;
                now.Rest.Change(Timeout.Infinite, Timeout.Infinite);
                return now;
            }
            if (_ends.IsCancellationRequested)
                throw new SessionException(SessionCloseReason.Cancelled, "the container has stopped");
            if (!places.Wait(0))
                throw new SessionException(SessionCloseReason.OverCapacity, "zos docker has connections to so many containers at once as it can");
            Opened one = new(this);
            _now = one;
            _lives = Task.WhenAll(_lives, Task.Run(() => LiveAsync(one)));
            return one;
        }
    }

    private async Task LiveAsync(Opened one)
    {
        try
        {
            await using Session session = await node.AskAsync(n => n.ForwardAsync(machine, _ends.Token));
            one.Session.SetResult(session);
            await Task.WhenAny(session.Ended, one.Left);
            await SessionEnds.LeaveAsync(session, "nobody is connected");
        }
        catch (Exception e)
        {
            one.Session.TrySetException(e);     // for whoever waits for the session
        }
        finally
        {
            lock (_lock)
                one.Leave();
            await one.Rest.DisposeAsync();
            places.Release();
        }
    }

    private void LeaveIdle(Opened one)
    {
        lock (_lock)
        {
            if (one.Users == 0)
                one.Leave();
        }
    }

    /// <summary>One session, from its first connection on; with the lock held, but for what waits.</summary>
    private sealed class Opened
    {
        private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Opened(LazySession owner) => Rest = new Timer(_ => owner.LeaveIdle(this));

        public TaskCompletionSource<Session> Session { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Connections that have it.</summary>
        public int Users { get; set; } = 1;

        /// <summary>Fires when there was none for a while.</summary>
        public Timer Rest { get; }

        /// <summary>Completes when it is to be closed.</summary>
        public Task Left => _left.Task;

        public bool IsOver => _left.Task.IsCompleted;

        public bool IsUsable => !IsOver && Session.Task is not { IsCompletedSuccessfully: true, Result.Ended.IsCompleted: true };

        public void Leave() => _left.TrySetResult();
    }
}
