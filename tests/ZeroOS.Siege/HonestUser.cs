using System.Diagnostics;
using System.Net;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;

namespace ZeroOS.Siege;

/// <summary>
/// Somebody who works meanwhile: asks again and again, on a connection that stays and on new ones, from an address and a network of their own.
/// </summary>
internal sealed class HonestUser(string name, string address, IdentityKey key, IBesieged node, Func<BusClient, int, CancellationToken, Task> work)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30), s_pause = TimeSpan.FromMilliseconds(100);

    private readonly List<double> _seconds = [];

    public string Name => name;

    /// <summary>Requests that were not answered at all.</summary>
    public int Failed { get; private set; }

    /// <summary>How often a connection broke and the request was asked again, as a client does.</summary>
    public int Again { get; private set; }

    public int Count => _seconds.Count;

    public double Longest => _seconds.Count == 0 ? 0 : _seconds.Max();

    /// <summary>What happened to the one that took longest.</summary>
    public string OfLongest { get; private set; } = "";

    public double Median => Percentile(50);

    /// <summary>The seconds that so many of a hundred requests took at most.</summary>
    public double Percentile(int percent) => _seconds.Count == 0 ? 0 : _seconds.Order().ElementAt((_seconds.Count - 1) * percent / 100);

    /// <summary>Works once before the siege, unmeasured: the runtime compiles a client at its first request, which takes seconds on a busy computer.</summary>
    public async Task BeginAsync()
    {
        using HttpTransport transport = NewTransport();
        using CancellationTokenSource deadline = new(s_patience);
        while (true)
        {
            try
            {
                await work(new BusClient(key, node.Id, new RequestTimer(transport), TimeProvider.System), 0, deadline.Token);
                return;
            }
            catch (BusTransportException) when (!deadline.IsCancellationRequested)
            {
                await Task.Delay(s_pause, CancellationToken.None);
            }
        }
    }

    /// <summary>Works until the time is over. A connection that breaks is dialled again within the request's time.</summary>
    public async Task WorkAsync(CancellationToken cancellation)
    {
        HttpTransport kept = NewTransport();
        try
        {
            for (int i = 0; !cancellation.IsCancellationRequested; i++)
            {
                if (i % 2 == 0)
                {
                    using HttpTransport fresh = NewTransport();
                    await AskAsync(fresh, i);
                }
                else
                {
                    await AskAsync(kept, i);
                }
                await Task.Delay(s_pause, CancellationToken.None);
            }
        }
        finally
        {
            kept.Dispose();
        }
    }

    private async Task AskAsync(HttpTransport transport, int number)
    {
        Stopwatch watch = Stopwatch.StartNew();
        List<string> refusals = [];
        RequestTimer timer = new(transport);
        using CancellationTokenSource deadline = new(s_patience);
        while (true)
        {
            try
            {
                await work(new BusClient(key, node.Id, timer, TimeProvider.System), number, deadline.Token);
                IReadOnlyList<double> seconds = timer.Done();
                if (seconds.Max() > Longest)
                    OfLongest = $"in work {number}, asked again {refusals.Count} times{string.Concat(refusals.Distinct().Select(r => $"; {r}"))}";
                _seconds.AddRange(seconds);
                return;
            }
            catch (Exception e) when (e is BusTransportException or HttpRequestException && watch.Elapsed < s_patience)
            {
                Again++;
                refusals.Add(e.Message);
                timer.Broke();
                await Task.Delay(s_pause, CancellationToken.None);
            }
            catch (Exception e)
            {
                Failed++;
                await Console.Error.WriteLineAsync($"{name}: {e.GetType().Name}: {e.Message}");
                return;
            }
        }
    }

    private HttpTransport NewTransport() => Transports.From(IPAddress.Parse(address), node.Host, node.Port, TimeSpan.FromSeconds(10));
}
