using System.Net.Sockets;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Client.Forwarding;

/// <summary>One connection of this computer and its channel, joined until both directions have ended.</summary>
/// <param name="forward">The session.</param>
/// <param name="channel">The opened channel.</param>
/// <param name="local">The connection.</param>
internal sealed class ForwardedConnection(Session forward, uint channel, Socket local)
{
    /// <summary>Bytes on their way to here at once: 16 MiB of all connections.</summary>
    private const int WindowBytes = 256 << 10;

    private const int CopyBytes = 32 << 10;

    /// <summary>Returns when everything has come through, in both directions.</summary>
    /// <exception cref="SessionException">The other side did not connect, or broke the connection, or the session is over.</exception>
    /// <exception cref="SocketException">The connection broke on this side.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using CancellationTokenSource broken = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task up = UpAsync(broken.Token), down = DownAsync(broken.Token);
        Task first = await Task.WhenAny(up, down);
        // A machine that takes no more has perhaps answered: what has come is still passed on, and then the other direction ends by itself.
        if (!first.IsCompletedSuccessfully && (first == down || first.Exception?.InnerException is not SessionException))
            await broken.CancelAsync();
        await Task.WhenAll(up, down).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
        await (first == up ? down : up);
        // The machine says so when its program has everything: a channel that is closed sooner takes back what still waits.
        if (await forward.ChannelClosedAsync(channel, cancellation) is { Reason: not SessionCloseReason.Done } end)
            throw end;
    }

    private async Task UpAsync(CancellationToken cancellation)
    {
        byte[] buffer = new byte[CopyBytes];
        while (await local.ReceiveAsync(buffer, cancellation) is > 0 and int count)
            await forward.WriteAsync(channel, buffer.AsMemory(0, count), cancellation);
        await forward.EndAsync(channel);
    }

    private async Task DownAsync(CancellationToken cancellation)
    {
        byte[] buffer = new byte[CopyBytes];
        long came = 0;
        while (await forward.ReadAsync(channel, buffer, cancellation) is > 0 and int count)
        {
            // A short answer needs no more than the first window, and no frame that says so.
            if (came < SessionLimits.FirstWindow / 2 && (came += count) >= SessionLimits.FirstWindow / 2)
                await forward.SetWindowAsync(channel, WindowBytes);
            for (int sent = 0; sent < count;)
                sent += await local.SendAsync(buffer.AsMemory(sent, count - sent), cancellation);
        }
        local.Shutdown(SocketShutdown.Send);
    }
}
