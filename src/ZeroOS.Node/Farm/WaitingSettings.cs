using ZeroOS.Linux;

namespace ZeroOS.Node.Farm;

/// <summary>Counts how long the node is on while farm settings wait, and starts the role anew when they count. One task.</summary>
internal sealed class WaitingSettings(LedgerStore ledger, Action startAgain, ILog log) : IDisposable
{
    /// <summary>How often it is noted: what is lost at most when the power goes.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    private readonly CancellationTokenSource _stop = new();

    /// <summary>Begins to count.</summary>
    public void Start() => _ = Task.Run(CountAsync, CancellationToken.None);

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private async Task CountAsync()
    {
        try
        {
            using PeriodicTimer timer = new(Every);
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                if (Count())
                    return;
            }
        }
        catch (OperationCanceledException)
        {
            // the node goes down
        }
    }

    private bool Count()
    {
        try
        {
            if (!FarmPin.Waited(ledger, Every))
                return false;
            log.Info("event=farm-settings-waited the role starts anew with them");
            startAgain();
            return true;
        }
        catch (IOException e)
        {
            log.Warn($"event=farm-settings-not-counted message=\"{e.Message}\"");
            return false;
        }
    }
}
