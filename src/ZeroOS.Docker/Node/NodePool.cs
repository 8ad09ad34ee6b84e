using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

using ZeroOS.Client;

namespace ZeroOS.Docker.Node;

/// <summary>The node for many callers at once: each has a client of its own while it asks or reads, over the same transport.</summary>
internal sealed class NodePool(Func<NodeClient> connect)
{
    private readonly ConcurrentBag<NodeClient> _idle = [];

    /// <summary>One question.</summary>
    public async Task<T> AskAsync<T>(Func<NodeClient, Task<T>> ask)
    {
        NodeClient client = _idle.TryTake(out NodeClient? idle) ? idle : connect();
        try
        {
            return await ask(client);
        }
        finally
        {
            _idle.Add(client);
        }
    }

    /// <summary>One request without an answer.</summary>
    public Task AskAsync(Func<NodeClient, Task> ask) => AskAsync(async client =>
    {
        await ask(client);
        return true;
    });

    /// <summary>One stream.</summary>
    public async IAsyncEnumerable<T> ReadAsync<T>(Func<NodeClient, IAsyncEnumerable<T>> read, [EnumeratorCancellation] CancellationToken cancellation)
    {
        NodeClient client = _idle.TryTake(out NodeClient? idle) ? idle : connect();
        try
        {
            await foreach (T piece in read(client).WithCancellation(cancellation))
                yield return piece;
        }
        finally
        {
            _idle.Add(client);
        }
    }
}
