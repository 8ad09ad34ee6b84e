using System.Diagnostics;
using System.Globalization;

using ZeroOS.Bus.Keys;
using ZeroOS.Siege.Attackers;

namespace ZeroOS.Siege;

/// <summary>
/// One kind of attacker in a process and a session of its own, as if on a computer of its own: what an attack costs the attacker is not the node's, so the node
/// and those who work go first where processors are short.
/// </summary>
internal static class AttackProcess
{
    /// <summary>What an attacker says before it begins.</summary>
    public const string Ready = "ready";

    private const string Niceness = "10", Autogroup = "/proc/self/autogroup";

    /// <summary>Starts the attacker of the table that is at <paramref name="index"/>; its addresses are those of one network, N.(16 + index).*.*.</summary>
    public static Process Start(int index, IBesieged node, SiegeOptions options)
    {
        string assembly = Path.ChangeExtension(typeof(AttackProcess).Assembly.Location, ".dll");
        ProcessStartInfo start = new("setsid") { RedirectStandardOutput = true };
        foreach (string argument in (string[])["nice", "-n", Niceness, "dotnet", assembly, "attack", $"{index}", node.Host, $"{node.Port}",
            $"{node.Network}", node.Id.Text, Convert.ToBase64String(Forgeries.NodeInfo(node.Owner)), Convert.ToBase64String(node.HostileTenant.Seed),
            $"{options.Seconds}", $"{options.Seed + index}", $"{options.Slower}"])
            start.ArgumentList.Add(argument);
        return Process.Start(start) ?? throw new InvalidOperationException("dotnet does not start");
    }

    /// <summary>The started process's side.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        CultureInfo c = CultureInfo.InvariantCulture;
        int index = int.Parse(args[0], c);
        await StepBackAsync();
        if (!KeyId.TryParse(args[4], out KeyId? node))
            return 2;
        Target target = new(args[1], int.Parse(args[2], c), node, Convert.FromBase64String(args[5]),
            IdentityKey.FromSeed(Convert.FromBase64String(args[6])), $"{args[3]}.{16 + index}", int.Parse(args[9], c), new Random(int.Parse(args[8], c)));
        Console.WriteLine(Ready);
        using CancellationTokenSource time = new(TimeSpan.FromSeconds(int.Parse(args[7], c)));
        long strikes = await Attacker.All[index].Attack(target, time.Token);
        Console.WriteLine(strikes.ToString(c));
        return 0;
    }

    // Where sessions share processors as if each were one process (sched(7), "The autogroup feature"), niceness counts inside a session alone.
    private static async Task StepBackAsync()
    {
        for (int tries = 0; File.Exists(Autogroup) && tries < 20; tries++)
        {
            try
            {
                await File.WriteAllTextAsync(Autogroup, Niceness);
                return;
            }
            catch (IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(150));      // only root may do so more often than every tenth of a second
            }
        }
    }
}
