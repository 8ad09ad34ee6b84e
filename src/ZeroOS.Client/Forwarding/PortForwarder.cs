using System.Net.Sockets;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Client.Forwarding;

/// <summary>Carries every connection that comes to some ports of this computer to a machine, and says which of them were not taken.</summary>
/// <param name="use">
/// Calls what it is given with a begun session of kind forward, and returns when that does. It may open the session, and throws when there is none.
/// </param>
/// <param name="complain">Told a sentence, which may be foreign, about a connection to that port; one call at a time.</param>
public sealed class PortForwarder(Func<Func<Session, Task>, CancellationToken, Task> use, Action<ForwardListener, string> complain)
{
    /// <summary>Connections at once, as many as a machine takes of a session; more wait.</summary>
    public const int Most = 64;

    // Each costs a few frames without data, of which a session has SessionLimits.FramesPerSecond.
    private const int PerSecond = 150;

    private static readonly TimeSpan s_afterFault = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _places = new(Most);
    private readonly Lock _lock = new();
    private long _second = Environment.TickCount64;
    private int _begun;

    /// <summary>Takes connections until it is cancelled; those that are carried then break.</summary>
    public Task RunAsync(IReadOnlyList<ForwardListener> listeners, CancellationToken cancellation) =>
        Task.WhenAll(listeners.Select(l => AcceptAsync(l, cancellation)));

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
        Session? forward = null;
        try
        {
            local.NoDelay = true;
            await use(session => CarryAsync(local, forward = session, listener.Begin, ends), ends);
        }
        catch (SessionException e)
        {
            Reset(local);
            if (e.Reason != SessionCloseReason.Cancelled && forward is not { Ended.IsCompleted: true })
                Complain(listener, SessionEnds.Why(e));
        }
        catch (Exception e) when (e is BusErrorException or BusTransportException or SpoofedReplyException or ClientException)
        {
            Reset(local);
            Complain(listener, e.Message);
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

    private static async Task CarryAsync(Socket local, Session forward, byte[] begin, CancellationToken ends)
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
            complain(listener, sentence);
    }

    // Half of something must not look like all of it.
    private static void Reset(Socket local)
    {
        local.LingerState = new LingerOption(true, 0);
        local.Dispose();
    }
}
