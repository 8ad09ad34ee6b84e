using Xunit.Abstractions;

namespace ZeroOS.Tests.Fuzz;

/// <summary>
/// Each entry for a moment: what is kept, then inputs by the entry's own seed, the same ones each time, or by ZEROOS_SEED. Other inputs are for
/// <c>make fuzz</c>. The seed is printed, and an input that fails is kept.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_time = TimeSpan.FromMilliseconds(250);

    public static TheoryData<string> Names => [.. FuzzEntries.All.Where(e => !e.Alone).Select(e => e.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Inputs_that_are_kept_and_new_ones_find_nothing(string name) => Play(name, output);

    [Fact]
    public void Names_are_unique_and_what_is_kept_belongs_to_an_entry()
    {
        string[] folders = [.. FuzzEntries.All.Select(e => e.Name.Replace(' ', '-'))];
        Assert.Equal(folders.Length, folders.Distinct(StringComparer.Ordinal).Count());
        string kept = Path.Combine(Repository.Checkout.Root, "tests/ZeroOS.Fuzz/Corpus");
        Assert.All(Directory.EnumerateDirectories(kept), f => Assert.Contains(Path.GetFileName(f), folders));
    }

    internal static void Play(string name, ITestOutputHelper output)
    {
        FuzzEntry entry = FuzzEntries.All.Single(e => e.Name == name);
        int kept = FuzzRun.Replay(entry, FuzzCorpus.Kept), seed = Seeds.Of(name);
        FuzzResult result = FuzzRun.New(entry, seed, s_time);
        output.WriteLine($"seed {seed}: {kept} kept, {result.Played} new, {result.Taken} taken");
        if (result.Failure is not null)
            throw new InvalidOperationException($"{name}, seed {seed}, input {(result.Input is null ? "-" : FuzzCorpus.Kept.Add(entry, result.Input))}",
                result.Failure);
    }
}
