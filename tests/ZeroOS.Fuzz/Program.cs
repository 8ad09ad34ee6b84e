using System.Diagnostics;

using ZeroOS.Tests.Fuzz;

namespace ZeroOS.Fuzz;

/// <summary>
/// <c>make fuzz</c>: plays every entry point in turns for as long as asked. An input that fails is written to the corpus, which the tests play again. Exit code
/// 0: nothing was found.
/// </summary>
internal static class Program
{
    private const int FoundSomething = 1, BadUsage = 2;

    private static int Main(string[] args)
    {
        try
        {
            FuzzOptions options = FuzzOptions.Parse(args);
            FuzzEntry[] entries = [.. FuzzEntries.All.Where(e => options.Only is null || e.Name.Contains(options.Only, StringComparison.Ordinal))];
            return entries.Length == 0
                ? throw new FormatException($"no entry is called \"{options.Only}\": {string.Join(", ", FuzzEntries.All.Select(e => e.Name))}")
                : Run(options, entries);
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine($"zfuzz: {e.Message}\nzfuzz [--seconds N] [--seed N] [--only PART-OF-A-NAME] [--corpus FOLDER]");
            return BadUsage;
        }
    }

    private static int Run(FuzzOptions options, FuzzEntry[] entries)
    {
        FuzzCorpus corpus = options.Corpus is { } folder ? new FuzzCorpus(folder) : FuzzCorpus.Kept;
        Dictionary<FuzzEntry, FuzzTally> tallies = entries.ToDictionary(e => e, _ => new FuzzTally());
        foreach (FuzzEntry entry in entries)
            tallies[entry].Kept = FuzzRun.Replay(entry, corpus);
        Stopwatch clock = Stopwatch.StartNew();
        TimeSpan whole = TimeSpan.FromSeconds(options.Seconds);
        Console.WriteLine($"seed {options.Seed}, {entries.Length} entries, {options.Seconds} s");
        // Each entry gets the same share of time, in slices, so that a long run can be ended at any moment without having left one out.
        TimeSpan slice = TimeSpan.FromSeconds(Math.Clamp(whole.TotalSeconds / entries.Length, 0.2, 10));
        for (int round = 0; round == 0 || clock.Elapsed < whole; round++)
        {
            foreach (FuzzEntry entry in entries)
                Play(entry, options.Seed + round, slice, tallies[entry], corpus);
        }
        foreach ((FuzzEntry entry, FuzzTally tally) in tallies)
            Console.WriteLine($"{entry.Name,-32} {tally.Kept,4} kept {tally.Played,10} new {tally.Taken,10} taken {tally.Found,3} found");
        return tallies.Values.Any(t => t.Found > 0) ? FoundSomething : 0;
    }

    private static void Play(FuzzEntry entry, int seed, TimeSpan slice, FuzzTally tally, FuzzCorpus corpus)
    {
        FuzzResult result = FuzzRun.New(entry, seed, slice);
        tally.Played += result.Played;
        tally.Taken += result.Taken;
        if (result.Failure is null)
            return;
        tally.Found++;
        string file = result.Input is { } input ? corpus.Add(entry, input) : "-";
        Console.WriteLine($"FOUND {entry.Name}, seed {seed}, input {file}\n{result.Failure}");
    }
}
