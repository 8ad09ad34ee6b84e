using System.Collections.Concurrent;

using ZeroOS.Bus.Client;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Docker.Node;

/// <summary>Removes containers that were created with --rm when they have ended and their output is read, as long as this program runs.</summary>
internal sealed class AutoRemoval(NodePool node, Mirror mirror, Attachments attachments)
{
    /// <summary>Exit codes of removed containers that are remembered.</summary>
    public const int Remembered = 256;

    private readonly ConcurrentDictionary<string, int> _codes = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _order = new();
    private readonly ConcurrentDictionary<string, bool> _begun = new(StringComparer.Ordinal);

    /// <summary>The exit code of a container that was removed; null: nobody remembers.</summary>
    public int? ExitCode(string id) => _codes.TryGetValue(id, out int code) ? code : null;

    /// <summary>A container goes: who waits for that asks for its exit code later.</summary>
    public void Remember(Container container)
    {
        if (_codes.TryAdd(container.Id, container.ExitCode))
            _order.Enqueue(container.Id);
        while (_order.Count > Remembered && _order.TryDequeue(out string? oldest))
            _codes.TryRemove(oldest, out _);
    }

    /// <summary>Looks after each change, until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task changed = mirror.Changed;
            try
            {
                foreach (Container ended in (await mirror.ContainersAsync()).Where(HasEnded))
                    await RemoveAsync(ended);
            }
            catch (Exception e) when (e is BusErrorException or BusTransportException or SpoofedReplyException or ClientException)
            {
                // the next change is another occasion
            }
            await changed.WaitAsync(cancellation);
        }
    }

    /// <summary>Removes a container that is at rest; one that is gone already is no error.</summary>
    public async Task RemoveAsync(Container container)
    {
        if (!_begun.TryAdd(container.Id, true))
            return;
        try
        {
            Remember(container);
            await node.AskAsync(n => n.DeleteAsync(container.Deployment.Name, [], CancellationToken.None));
        }
        catch (BusErrorException e) when (e.Error.Code == ErrorCodes.NotFound)
        {
            // somebody else was faster
        }
        finally
        {
            _begun.TryRemove(container.Id, out _);
            mirror.Touch();
        }
    }

    private bool HasEnded(Container container) => container is { IsRemovedAtEnd: true, IsAtRest: true, IsDeleting: false, Status.Starts: > 0 }
        && !attachments.Has(container.Id);
}
