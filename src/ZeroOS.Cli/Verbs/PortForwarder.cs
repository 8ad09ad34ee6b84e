using System.Net.Sockets;

using ZeroOS.Bus.Sessions;
using ZeroOS.Cli.Output;
using ZeroOS.Contracts.Sessions;

using BusSession = ZeroOS.Bus.Sessions.Session;

namespace ZeroOS.Cli.Verbs;

/// <summary>Carries every connection that comes to some ports of this computer over one session, and says which of them the machine did not take.</summary>
/// <param name="forward">The begun session.</param>
/// <param name="terminal">Who is told.</param>
internal sealed class PortForwarder(BusSession forward, Terminal terminal)
{
    /// <summary>Connections at once, as many as a machine takes of a session.</summary>
    internal const int Most = 64;

    // Each costs a few frames without data, of which a session has SessionLimits.FramesPerSecond.
    private const int PerSecond = 150;

    private static readonly TimeSpan s_afterFault = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _places = new(Most);
    private readonly Lock _lock = new();
    private long _second = Environment.TickCount64;
    private int _begun;

    /// <summary>Never returns by itself.</summary>
    /// <exception cref="SessionException">The session is over.</exception>
    public async Task RunAsync(IReadOnlyList<ForwardListener> listeners, CancellationToken cancellation)
    {
        using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] accepting = [.. listeners.Select(l => AcceptAsync(l, ends.Token))];
        try
        {
            throw await forward.Ended.WaitAsync(cancellation);
        }
        finally
        {
            await ends.CancelAsync();
            await Task.WhenAll(accepting);
        }
    }

    private async Task AcceptAsync(ForwardListener listener, CancellationToken ends)
    {
        while (!ends.IsCancellationRequested)
        {
            Socket? local = null;
            try
            {
                local = await listener.AcceptAsync(ends);
                await _places.WaitAsync(ends);
                await Task.Delay(Pause(), ends);
                _ = CarryAsync(local, listener, ends);
            }
            catch (SocketException e)
            {
                Complain(listener, $"a connection could not be taken: {e.Message}");
                await Task.Delay(s_afterFault, ends).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                local?.Dispose();
            }
        }
    }

    // Whatever becomes of one connection, the others go on.
    private async Task CarryAsync(Socket local, ForwardListener listener, CancellationToken ends)
    {
        try
        {
            local.NoDelay = true;
            await CarryAsync(local, listener.Begin, ends);
        }
        catch (SessionException e)
        {
            Reset(local);
            if (e.Reason != SessionCloseReason.Cancelled && !forward.Ended.IsCompleted)
                Complain(listener, SessionEnds.Why(e));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            Reset(local);
        }
        finally
        {
            local.Dispose();
            _places.Release();
        }
    }

    private async Task CarryAsync(Socket local, byte[] begin, CancellationToken ends)
    {
        uint channel = await forward.OpenChannelAsync(begin, ends);
        SessionCloseReason reason = SessionCloseReason.Cancelled;
        try
        {
            await new ForwardedConnection(forward, channel, local).RunAsync(ends);
            reason = SessionCloseReason.Done;
        }
        finally
        {
            await forward.CloseChannelAsync(channel, reason);
        }
    }

    // How long the next connection waits.
    private TimeSpan Pause()
    {
        lock (_lock)
        {
            long now = Environment.TickCount64;
            if (now - _second >= 1000)
                (_second, _begun) = (now, 0);
            return ++_begun < PerSecond ? TimeSpan.Zero : TimeSpan.FromMilliseconds(_second + 1000 - now);
        }
    }

    private void Complain(ForwardListener listener, string sentence)
    {
        lock (_lock)
            terminal.Complain($"{listener.Local}: {sentence}");
    }

    // Half of something must not look like all of it.
    private static void Reset(Socket local)
    {
        local.LingerState = new LingerOption(true, 0);
        local.Dispose();
    }
}
