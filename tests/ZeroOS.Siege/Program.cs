using System.Globalization;

namespace ZeroOS.Siege;

/// <summary>
/// <c>make siege</c>: a node's bus behind a door in a process of its own, attackers from many addresses, and an owner and a tenant who work meanwhile. Exit code 0: every request of theirs
/// was answered in time and nothing died.
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
            await Console.Error.WriteLineAsync($"zsiege: {e.Message}\nzsiege [--seconds N] [--seed N] [--door FILE] [--kill-door]");
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
                "--door" when i + 1 < args.Length => options with { Door = args[++i] },
                _ => throw new FormatException($"{args[i]} is not known, or has no value"),
            };
        }
        return options;
    }
}
