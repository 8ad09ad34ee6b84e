using System.Runtime.CompilerServices;
using System.Threading.Channels;

using ZeroOS.Bus.Client;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Docker.Node;

/// <summary>
/// What containers use, a sample a second. One stream of the node serves all who watch: a key has few streams, and <c>docker stats</c> asks for each container
/// by itself.
/// </summary>
internal sealed class Usage(NodePool node)
{
    // Of a client that does not read, the oldest samples are forgotten.
    private const int Waiting = 4;

    private readonly Lock _lock = new();
    private readonly List<(MachineName Machine, Channel<(DateTimeOffset, MachineSample)> To)> _watchers = [];
    private Action? _end;

    /// <summary>Samples of a machine as they come, while it runs and when it runs again.</summary>
    /// <exception cref="ClientException">The node is gone.</exception>
    public async IAsyncEnumerable<(DateTimeOffset Time, MachineSample Sample)> WatchAsync(MachineName machine,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        Channel<(DateTimeOffset, MachineSample)> samples = Channel.CreateBounded<(DateTimeOffset, MachineSample)>(
            new BoundedChannelOptions(Waiting) { FullMode = BoundedChannelFullMode.DropOldest });
        Begin(machine, samples);
        try
        {
            await foreach ((DateTimeOffset, MachineSample) sample in samples.Reader.ReadAllAsync(cancellation))
                yield return sample;
        }
        finally
        {
            End(samples);
        }
    }

    private void Begin(MachineName machine, Channel<(DateTimeOffset, MachineSample)> samples)
    {
        lock (_lock)
        {
            _watchers.Add((machine, samples));
            if (_watchers.Count > 1)
                return;
            CancellationTokenSource ends = new();
            _end = ends.Cancel;
            _ = ReadAsync(ends);
        }
    }

    private void End(Channel<(DateTimeOffset, MachineSample)> samples)
    {
        lock (_lock)
        {
            _watchers.RemoveAll(w => w.To == samples);
            if (_watchers.Count == 0)
                _end!();
        }
    }

    private async Task ReadAsync(CancellationTokenSource source)
    {
        CancellationToken ends = source.Token;
        try
        {
            await foreach (StatsPiece piece in node.ReadAsync(n => n.StatsAsync(new MachineStats { Follow = true }, ends), ends))
            {
                lock (_lock)
                {
                    // Whoever has left and others who came since have a stream of their own.
                    if (ends.IsCancellationRequested)
                        return;
                    foreach (MachineSample sample in piece.Machines)
                    {
                        foreach ((_, Channel<(DateTimeOffset, MachineSample)> to) in _watchers.Where(w => w.Machine.Deployment == sample.Deployment
                            && w.Machine.Machine == sample.Machine))
                            to.Writer.TryWrite((piece.Time, sample));
                    }
                }
            }
            Fail(null, ends);
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            // nobody watches any more
        }
        catch (Exception e) when (e is BusErrorException or BusTransportException or SpoofedReplyException or ClientException)
        {
            Fail(e, ends);
        }
    }

    // All who watch hear why there is no more.
    private void Fail(Exception? why, CancellationToken ends)
    {
        lock (_lock)
        {
            if (ends.IsCancellationRequested)
                return;
            foreach ((_, Channel<(DateTimeOffset, MachineSample)> to) in _watchers)
                to.Writer.TryComplete(why);
        }
    }
}
