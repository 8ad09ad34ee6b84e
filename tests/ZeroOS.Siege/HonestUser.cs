using System.Diagnostics;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;

namespace ZeroOS.Siege;

/// <summary>Somebody who works meanwhile: asks again and again, on a connection that stays and on new ones, from an address and a network of their own.</summary>
internal sealed class HonestUser(string name, IdentityKey key, SiegeNode node, Func<BusClient, int, CancellationToken, Task> work)
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

    public double Median => _seconds.Count == 0 ? 0 : _seconds.Order().ElementAt(_seconds.Count / 2);

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
        using CancellationTokenSource deadline = new(s_patience);
        while (true)
        {
            try
            {
                await work(new BusClient(key, node.Identity.Id, transport, TimeProvider.System), number, deadline.Token);
                _seconds.Add(watch.Elapsed.TotalSeconds);
                return;
            }
            catch (Exception e) when (e is BusTransportException or HttpRequestException && watch.Elapsed < s_patience)
            {
                Again++;
            }
            catch (Exception e)
            {
                Failed++;
                await Console.Error.WriteLineAsync($"{name}: {e.GetType().Name}: {e.Message}");
                return;
            }
        }
    }

    private HttpTransport NewTransport() => new("127.0.0.1", node.Port, TimeSpan.FromSeconds(10));
}
