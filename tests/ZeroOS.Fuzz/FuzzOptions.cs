using System.Globalization;

namespace ZeroOS.Fuzz;

/// <summary>What is asked for on the command line.</summary>
internal sealed record FuzzOptions
{
    /// <summary>How long all entries together are played.</summary>
    public int Seconds { get; init; } = 60;

    /// <summary>Of the first round; the next one has the next number.</summary>
    public int Seed { get; init; } = Environment.TickCount;

    /// <summary>Only entries that have this in their name.</summary>
    public string? Only { get; init; }

    /// <summary>Another folder than the repository's for inputs that fail.</summary>
    public string? Corpus { get; init; }

    /// <exception cref="FormatException">An option is unknown, has no value, or none that fits.</exception>
    public static FuzzOptions Parse(string[] args)
    {
        FuzzOptions options = new();
        for (int i = 0; i < args.Length; i++)
        {
            options = args[i] switch
            {
                "--seconds" when i + 1 < args.Length => options with { Seconds = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--seed" when i + 1 < args.Length => options with { Seed = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--only" when i + 1 < args.Length => options with { Only = args[++i] },
                "--corpus" when i + 1 < args.Length => options with { Corpus = args[++i] },
                _ => throw new FormatException($"{args[i]} is not known, or has no value"),
            };
        }
        return options;
    }
}
