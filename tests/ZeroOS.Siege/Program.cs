using System.Globalization;

namespace ZeroOS.Siege;

/// <summary>
/// <c>make siege</c>: a node's bus behind a door in a process of its own, attackers from many addresses, and an owner and a tenant who work meanwhile. Exit
/// code 0: every request of theirs was answered in time and nothing died.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        try
        {
            return args is ["attack", ..] ? await AttackProcess.RunAsync(args[1..]) : await new Siege(SiegeOptions.Parse(args)).RunAsync();
        }
        catch (FormatException e)
        {
            await Console.Error.WriteLineAsync($"zsiege: {e.Message}\nzsiege [--seconds N] [--seed N] [--door FILE] [--kill-door]\n"
                + "zsiege --host ADDRESS --node KEYID --keys FOLDER --network N [--slower N] [--seconds N] [--seed N]      "
                + "a booted node; FOLDER has owner/key, tenant/key and hostile/key");
            return 2;
        }
    }
}

/// <summary>What is asked for on the command line.</summary>
internal sealed record SiegeOptions
{
    /// <summary>How long the attackers attack.</summary>
    public int Seconds { get; init; } = 60;

    /// <summary>Chooses addresses and order.</summary>
    public int Seed { get; init; } = Environment.TickCount;

    /// <summary>A native zeroos to run as the door; without one the door is run by the installed runtime.</summary>
    public string? Door { get; init; }

    /// <summary>The door is killed every few seconds meanwhile.</summary>
    public bool KillDoor { get; init; }

    /// <summary>Where a booted node is; null: a stand-in is besieged.</summary>
    public string? Host { get; init; }

    /// <summary>The booted node's id.</summary>
    public string? Node { get; init; }

    /// <summary>The folder with the keys of those whom the booted node knows.</summary>
    public string? Keys { get; init; }

    /// <summary>As <see cref="IBesieged.Network"/>, of a booted node.</summary>
    public int Network { get; init; } = 10;

    /// <summary>What the attackers' numbers are divided by, for a computer that is emulated.</summary>
    public int Slower { get; init; } = 1;

    public static SiegeOptions Parse(string[] args)
    {
        SiegeOptions options = new();
        for (int i = 0; i < args.Length; i++)
        {
            options = args[i] switch
            {
                "--kill-door" => options with { KillDoor = true },
                "--seconds" when i + 1 < args.Length => options with { Seconds = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--seed" when i + 1 < args.Length => options with { Seed = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--host" when i + 1 < args.Length => options with { Host = args[++i] },
                "--node" when i + 1 < args.Length => options with { Node = args[++i] },
                "--keys" when i + 1 < args.Length => options with { Keys = args[++i] },
                "--network" when i + 1 < args.Length => options with { Network = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--slower" when i + 1 < args.Length => options with { Slower = Math.Max(1, int.Parse(args[++i], CultureInfo.InvariantCulture)) },
                "--door" when i + 1 < args.Length => options with { Door = args[++i] },
                _ => throw new FormatException($"{args[i]} is not known, or has no value"),
            };
        }
        return options;
    }
}
