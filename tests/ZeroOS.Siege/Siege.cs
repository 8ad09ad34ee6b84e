using System.Diagnostics;
using System.Globalization;

using ZeroOS.Bus.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Siege.Attackers;

namespace ZeroOS.Siege;

/// <summary>All attackers at once, two honest users, and the figures.</summary>
internal sealed class Siege(SiegeOptions options)
{
    /// <summary>Nobody who is honest waits longer; while doors are killed, a client dials again until the next one is there.</summary>
    private const double AnswerWithinSeconds = 2, AnswerAgainWithinSeconds = 10;

    /// <summary>The door's control group on a node.</summary>
    private const long DoorMemoryBytes = 256L << 20;

    /// <summary>A computer of which others use more judges nobody; exit code 3.</summary>
    private const double ShareOfOthers = 0.25;

    private const int CannotJudge = 3;

    private static readonly TimeSpan s_killEvery = TimeSpan.FromSeconds(3);

    private long _doorPeak;
    private int _killed;

    public async Task<int> RunAsync()
    {
        Console.WriteLine($"seed {options.Seed}, {options.Seconds} s, door {(options.Door is null ? "by the installed runtime, in no jail" : SiegeNode.Jailed ? "native, in its jail" : "native, in no jail")}");
        SiegeNode node = new(options);
        HonestUser owner = new("owner", node.Owner, node, OwnerAsync), tenant = new("tenant", node.Tenant, node, TenantAsync);
        await ReadyAsync(node);
        Process[] attackers = [.. Attacker.All.Select((_, i) => AttackProcess.Start(i, node, options))];
        foreach (Process attacker in attackers)
        {
            if (await attacker.StandardOutput.ReadLineAsync(CancellationToken.None) != AttackProcess.Ready)
                throw new InvalidOperationException("an attacker does not start");
        }
        ProcessorShare share = new();
        using CancellationTokenSource time = new(TimeSpan.FromSeconds(options.Seconds));
        await Task.WhenAll(owner.WorkAsync(time.Token), tenant.WorkAsync(time.Token), WatchAsync(node, time.Token));
        bool sound = true;
        for (int i = 0; i < attackers.Length; i++)
        {
            string strikes = (await attackers[i].StandardOutput.ReadToEndAsync(CancellationToken.None)).Trim();
            await attackers[i].WaitForExitAsync(CancellationToken.None);
            sound &= attackers[i].ExitCode == 0;
            Console.WriteLine($"attacker {Attacker.All[i].Name,-16} struck {strikes,9} times: {Attacker.All[i].Does}");
        }
        sound &= Report(owner) & Report(tenant);
        int died = node.Doors - 1 - _killed;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"door: peak memory {_doorPeak >> 20} MiB of {DoorMemoryBytes >> 20}, died {died} times, killed {_killed} times; node: managed heap {GC.GetTotalMemory(false) >> 20} MiB"));
        node.Log.Take(20).ToList().ForEach(l => Console.WriteLine($"log: {l}"));
        node.Dispose();
        if (died > 0 || _doorPeak >= DoorMemoryBytes)
            return 1;
        bool busy = share.OfOthers() > ShareOfOthers;
        if (busy)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"others use {share.OfOthers():P0} of this computer: too much to judge how long anybody waits"));
        return busy ? CannotJudge : sound ? 0 : 1;
    }

    private bool Report(HonestUser user)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{user.Name}: {user.Count} requests answered, {user.Failed} not, median {user.Median:F3} s, longest {user.Longest:F3} s, asked again {user.Again} times"));
        return user is { Count: > 0, Failed: 0 } && user.Longest < (options.KillDoor ? AnswerAgainWithinSeconds : AnswerWithinSeconds);
    }

    private static async Task OwnerAsync(BusClient client, int number, CancellationToken cancellation)
    {
        await client.InfoAsync(cancellation);
        await client.CallAsync(Commands.GrantList, cancellation);
    }

    private static async Task TenantAsync(BusClient client, int number, CancellationToken cancellation) =>
        await client.CallAsync(SiegeNode.Echo, new DeploymentName { Name = new string('x', number % 5 == 0 ? 200_000 : 20) }, cancellation);

    private static async Task ReadyAsync(SiegeNode node)
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                using HttpTransport transport = new("127.0.0.1", node.Port, TimeSpan.FromSeconds(5));
                await new BusClient(node.Owner, node.Identity.Id, transport, TimeProvider.System).InfoAsync(deadline.Token);
                return;
            }
            catch (BusTransportException) when (!deadline.IsCancellationRequested)
            {
                // not yet
            }
        }
    }

    private async Task WatchAsync(SiegeNode node, CancellationToken cancellation)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(500));
        Stopwatch sinceKilled = Stopwatch.StartNew();
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                _doorPeak = Math.Max(_doorPeak, PeakOf(node.DoorPid));
                if (!options.KillDoor || sinceKilled.Elapsed < s_killEvery)
                    continue;
                sinceKilled.Restart();
                _killed++;
                node.Replace();
            }
        }
        catch (OperationCanceledException)
        {
            // the time is over
        }
    }

    private static long PeakOf(int pid)
    {
        try
        {
            string line = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return 0;       // between two doors
        }
    }
}
