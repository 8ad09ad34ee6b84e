namespace ZeroOS.Docker.Node;

/// <summary>
/// Who reads the output of a container: one that is removed at its end goes only when they have read it all, and one whose start fails lets go of them.
/// </summary>
internal sealed class Attachments(Mirror mirror)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<CancellationTokenSource>> _readers = new(StringComparer.Ordinal);

    /// <summary>Whether somebody reads.</summary>
    public bool Has(string id)
    {
        lock (_lock)
            return _readers.ContainsKey(id);
    }

    /// <summary>Reads the output of a container; the token ends when there will be none.</summary>
    public async Task ReadAsync(string id, Func<CancellationToken, Task> read, CancellationToken cancellation)
    {
        using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        lock (_lock)
        {
            if (!_readers.TryGetValue(id, out List<CancellationTokenSource>? readers))
                _readers.Add(id, readers = []);
            readers.Add(ends);
        }
        try
        {
            await read(ends.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // the start failed: there is no output
        }
        finally
        {
            bool isLast;
            lock (_lock)
            {
                _readers[id].Remove(ends);
                isLast = _readers[id].Count == 0 && _readers.Remove(id);
            }
            if (isLast)
                mirror.Touch();
        }
    }

    /// <summary>There will be no output: the start failed.</summary>
    public void LetGo(string id)
    {
        CancellationTokenSource[] readers;
        lock (_lock)
            readers = [.. _readers.GetValueOrDefault(id, [])];
        foreach (CancellationTokenSource reader in readers)
            reader.Cancel();
    }
}
