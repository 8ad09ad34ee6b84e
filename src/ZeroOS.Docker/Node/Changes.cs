using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Node;

/// <summary>Changes of what the node has stored of containers, one at a time: each is made of what the one before it left.</summary>
internal sealed class Changes(NodePool node, Mirror mirror)
{
    // Against other workstations, whose changes come between.
    private const int MaxTries = 5;

    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Stores what <paramref name="change"/> makes of a container; it is asked again when somebody else was faster.</summary>
    /// <exception cref="DockerFault">404: the container is gone.</exception>
    /// <exception cref="BusErrorException">The node refuses it, or others were faster each time.</exception>
    public async Task ApplyAsync(string id, Func<Container, Deployment> change, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            for (int tries = 1; ; tries++)
            {
                Container container = await mirror.FindAsync(id);
                Deployment changed = change(container) with { Version = container.Deployment.Version + 1 };
                try
                {
                    await node.AskAsync(n => n.ApplyAsync(changed, cancellation));
                    mirror.Touch();
                    return;
                }
                catch (BusErrorException e) when (e.Error is { Code: ErrorCodes.Conflict, Path: "version" } && tries < MaxTries)
                {
                    mirror.Touch();
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }
}
