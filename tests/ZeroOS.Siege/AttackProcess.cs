using System.Diagnostics;
using System.Globalization;

using ZeroOS.Bus.Keys;
using ZeroOS.Siege.Attackers;

namespace ZeroOS.Siege;

/// <summary>One kind of attacker in a process of its own: what it costs itself is not the node's.</summary>
internal static class AttackProcess
{
    /// <summary>What an attacker says before it begins.</summary>
    public const string Ready = "ready";

    /// <summary>Starts the attacker of the table that is at <paramref name="index"/>; its addresses are 127.(16 + index).*.*.</summary>
    public static Process Start(int index, SiegeNode node, SiegeOptions options)
    {
        string assembly = Path.ChangeExtension(typeof(AttackProcess).Assembly.Location, ".dll");
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true };
        foreach (string argument in (string[])[assembly, "attack", $"{index}", $"{node.Port}", node.Identity.Id.Text, node.Owner.Id.Text, Convert.ToBase64String(node.OwnersMessage),
            node.HostileTenantSeed, $"{options.Seconds}", $"{options.Seed + index}"])
            start.ArgumentList.Add(argument);
        return Process.Start(start) ?? throw new InvalidOperationException("dotnet does not start");
    }

    /// <summary>The started process's side.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        CultureInfo c = CultureInfo.InvariantCulture;
        int index = int.Parse(args[0], c);
        if (!KeyId.TryParse(args[2], out KeyId? node) || !KeyId.TryParse(args[3], out KeyId? owner))
            return 2;
        Target target = new(int.Parse(args[1], c), node, owner, Convert.FromBase64String(args[4]), IdentityKey.FromSeed(Convert.FromBase64String(args[5])), $"127.{16 + index}",
            new Random(int.Parse(args[7], c)));
        Console.WriteLine(Ready);
        using CancellationTokenSource time = new(TimeSpan.FromSeconds(int.Parse(args[6], c)));
        long strikes = await Attacker.All[index].Attack(target, time.Token);
        Console.WriteLine(strikes.ToString(c));
        return 0;
    }
}
