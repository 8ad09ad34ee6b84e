using System.Diagnostics;
using System.Globalization;

using ZeroOS.Bus.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Siege.Attackers;

namespace ZeroOS.Siege;

/// <summary>All attackers at once, two honest users, and the figures.</summary>
internal sealed class Siege(SiegeOptions options)
{
    /// <summary>
    /// Nobody who is honest waits longer; while doors are killed, or are compiled while they are besieged, a client has longer to get to one. So it has on an
    /// emulated processor: what the node does in one piece takes some twenty times longer there, however few the attackers are.
    /// </summary>
    private const double AnswerWithinSeconds = 2, AnswerAgainWithinSeconds = 10;

    /// <summary>A computer of which others use more, or that leaves attackers no time, judges nobody; exit code 3.</summary>
    private const double ShareOfOthers = 0.25;

    private const int CannotJudge = 3;

    private const int RehearsalSeconds = 5, RehearsalInEmulationSeconds = 30;

    // Every rate is whole again after two seconds.
    private static readonly TimeSpan s_untilLimitsAreWhole = TimeSpan.FromSeconds(3);

    public async Task<int> RunAsync()
    {
        using IBesieged node = options.Host is null ? new SiegeNode(options) : new BootedNode(options);
        Console.WriteLine(
            $"seed {options.Seed}, {options.Seconds} s, {node.What}{(options.Slower > 1 ? $", attackers' numbers divided by {options.Slower}" : "")}");
        HonestUser owner = new("owner", $"{node.Network}.8.0.1", node.Owner, node, OwnerAsync),
            tenant = new("tenant", $"{node.Network}.9.0.1", node.Tenant, node, node.AskAsTenantAsync);
        await ReadyAsync(node);
        await owner.BeginAsync();
        await tenant.BeginAsync();
        await RehearseAsync(node);
        Process[] attackers = await AttackAsync(node, options);
        ProcessorShare share = new();
        using CancellationTokenSource time = new(TimeSpan.FromSeconds(options.Seconds));
        await Task.WhenAll(owner.WorkAsync(time.Token), tenant.WorkAsync(time.Token), node.WatchAsync(time.Token));
        bool sound = true, starved = false;
        for (int i = 0; i < attackers.Length; i++)
        {
            string strikes = (await attackers[i].StandardOutput.ReadToEndAsync(CancellationToken.None)).Trim();
            await attackers[i].WaitForExitAsync(CancellationToken.None);
            sound &= attackers[i].ExitCode == 0;
            starved |= !long.TryParse(strikes, NumberStyles.None, CultureInfo.InvariantCulture, out long struck) || struck < options.Seconds / 5;
            Console.WriteLine($"attacker {Attacker.All[i].Name,-16} struck {strikes,9} times: {Attacker.All[i].Does}");
        }
        sound &= Report(owner) & Report(tenant) & node.Report();
        // A booted node has a computer of its own.
        bool busy = options.Host is null && share.OfOthers() > ShareOfOthers;
        if (busy)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"others use {share.OfOthers():P0} of this computer: too much to judge how long anybody waits"));
        if (starved)
            Console.WriteLine("an attacker struck less than once in five seconds: this computer has no time for a siege");
        return busy || starved ? CannotJudge : sound ? 0 : 1;
    }

    /// <summary>Every attack once, unmeasured: the runtime, and QEMU in emulation, compiles what runs for the first time, and whoever works waits.</summary>
    private async Task RehearseAsync(IBesieged node)
    {
        foreach (Process attacker in await AttackAsync(node, options with { Seconds = options.Slower > 1 ? RehearsalInEmulationSeconds : RehearsalSeconds }))
        {
            await attacker.StandardOutput.ReadToEndAsync(CancellationToken.None);
            await attacker.WaitForExitAsync(CancellationToken.None);
        }
        await Task.Delay(s_untilLimitsAreWhole, CancellationToken.None);
    }

    private static async Task<Process[]> AttackAsync(IBesieged node, SiegeOptions options)
    {
        Process[] attackers = [.. Attacker.All.Select((_, i) => AttackProcess.Start(i, node, options))];
        foreach (Process attacker in attackers)
        {
            if (await attacker.StandardOutput.ReadLineAsync(CancellationToken.None) != AttackProcess.Ready)
                throw new InvalidOperationException("an attacker does not start");
        }
        return attackers;
    }

    private bool Report(HonestUser user)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{user.Name}: {user.Count} requests answered, {user.Failed} not, median {user.Median:F3} s, 99 of 100 within {user.Percentile(99):F3} s, "
            + $"longest {user.Longest:F3} s ({user.OfLongest}), asked again {user.Again} times"));
        bool isNative = options.Slower == 1 && (options.Host is not null || options.Door is not null);
        return user is { Count: > 0, Failed: 0 } && user.Longest < (isNative && !options.KillDoor ? AnswerWithinSeconds : AnswerAgainWithinSeconds);
    }

    private static async Task OwnerAsync(BusClient client, int number, CancellationToken cancellation)
    {
        await client.InfoAsync(cancellation);
        await client.CallAsync(Commands.GrantList, cancellation);
    }

    private static async Task ReadyAsync(IBesieged node)
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                using HttpTransport transport = new(node.Host, node.Port, TimeSpan.FromSeconds(5));
                await new BusClient(node.Owner, node.Id, transport, TimeProvider.System).InfoAsync(deadline.Token);
                return;
            }
            catch (BusTransportException) when (!deadline.IsCancellationRequested)
            {
                // not yet
            }
        }
    }
}
