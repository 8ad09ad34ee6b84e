namespace ZeroOS.Node.Update;

/// <summary>
/// The node's question to itself, on its own bus. One that is late proves nothing: strangers who crowd the door delay it. Only a bus that answers none for a
/// whole <see cref="Silence"/> is not well. <paramref name="ask"/> returns who answered.
/// </summary>
internal sealed class OwnQuestion(Func<CancellationToken, Task<string>> ask, TimeProvider clock)
{
    /// <summary>How long one question is waited for: under attack an honest request took up to 10 s (docs/security.md, "Open").</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>How long the bus may answer nothing.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);

    private long? _answered;

    /// <summary>Asks once.</summary>
    /// <exception cref="OperationCanceledException">Cancelled by the caller.</exception>
    public async Task<HealthFinding> AskAsync(string self, CancellationToken cancellation)
    {
        using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timer.CancelAfter(Patience);
        try
        {
            if (await ask(timer.Token).ConfigureAwait(false) != self)
                return new HealthFinding("bus", "somebody else answers on the node's own bus");
            _answered = clock.GetTimestamp();
            return HealthFinding.Well;
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            return _answered is { } at && clock.GetElapsedTime(at) < Silence
                ? HealthFinding.Well : new HealthFinding("bus", $"the node's own bus does not answer: {e.Message}");
        }
    }
}
