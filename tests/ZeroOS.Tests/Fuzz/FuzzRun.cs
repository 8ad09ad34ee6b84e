using System.Diagnostics;

namespace ZeroOS.Tests.Fuzz;

/// <summary>Plays inputs to one entry: those of its corpus, or new ones for a time.</summary>
public static class FuzzRun
{
    // An honest input takes milliseconds; the processors may be busy with other tests.
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(20);

    /// <summary>Plays new inputs until the time is over or one fails; at least one.</summary>
    public static FuzzResult New(FuzzEntry entry, int seed, TimeSpan time)
    {
        Random random = new(seed);
        Stopwatch clock = Stopwatch.StartNew();
        int played = 0, taken = 0;
        do
        {
            if (!TryNext(entry, random, out byte[] input, out Exception? broken))
                return new FuzzResult(played, taken, null, broken);
            if (Try(entry, input, out bool isTaken) is Exception failure)
                return new FuzzResult(played, taken, input, failure);
            played++;
            taken += isTaken ? 1 : 0;
        }
        while (clock.Elapsed < time);
        Exception? closed = entry.MustTakeSome && taken == 0 && played > 1000
            ? new InvalidOperationException($"none of {played} inputs was taken, so nothing behind the door was tried")
            : null;
        return new FuzzResult(played, taken, null, closed);
    }

    /// <summary>Plays every input that is kept; returns how many.</summary>
    /// <exception cref="InvalidOperationException">One fails, by its file.</exception>
    public static int Replay(FuzzEntry entry, FuzzCorpus corpus)
    {
        int played = 0;
        foreach (string file in corpus.Files(entry))
        {
            if (Try(entry, File.ReadAllBytes(file), out _) is Exception failure)
                throw new InvalidOperationException($"{entry.Name}: {file}", failure);
            played++;
        }
        return played;
    }

    private static bool TryNext(FuzzEntry entry, Random random, out byte[] input, out Exception? broken)
    {
        try
        {
            (input, broken) = (entry.Next(random), null);
            return true;
        }
        catch (Exception e)
        {
            (input, broken) = ([], e);
            return false;
        }
    }

    private static Exception? Try(FuzzEntry entry, byte[] input, out bool taken)
    {
        taken = false;
        long start = Stopwatch.GetTimestamp();
        try
        {
            taken = entry.Play(input);
        }
        catch (Exception e)
        {
            return e;
        }
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        return time > s_longest ? new TimeoutException($"one input took {time.TotalSeconds:0} s") : null;
    }
}
