using System.Diagnostics;
using System.Runtime.CompilerServices;

using ZeroOS.Bus.Client;

namespace ZeroOS.Siege;

/// <summary>
/// Measures how long each request waits for its answer: a client that knows nothing of the node yet sends two, node.info first. A request whose connection
/// broke is measured from its first try to the end of the work it belongs to.
/// </summary>
internal sealed class RequestTimer(IBusTransport wire) : IBusTransport
{
    private readonly Stopwatch _watch = new();
    private readonly List<double> _seconds = [];
    private TimeSpan? _answered;
    private bool _broke;

    /// <summary>Carries the request and notes when its answers come.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // Without an answer the client has dialled again by itself, and its request goes on.
        if (!_broke && (_answered is not null || !_watch.IsRunning))
        {
            Count();
            _watch.Restart();
        }
        await foreach (ReadOnlyMemory<byte> answer in wire.SendAsync(envelope, cancellation))
        {
            _answered = _watch.Elapsed;
            yield return answer;
        }
    }

    /// <summary>The connection broke: whoever waits goes on waiting.</summary>
    public void Broke() => _broke = true;

    /// <summary>The work is done: the seconds that each of its requests took.</summary>
    public IReadOnlyList<double> Done()
    {
        Count();
        return _seconds;
    }

    private void Count()
    {
        if (_answered is { } time)
            _seconds.Add(time.TotalSeconds);
        _answered = null;
    }
}
