using Xunit.Abstractions;

namespace ZeroOS.Tests.Fuzz;

/// <summary>The entries that count what the whole process has.</summary>
[Collection(AloneCollection.Name)]
public sealed class FuzzAloneTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => [.. FuzzEntries.All.Where(e => e.Alone).Select(e => e.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Inputs_that_are_kept_and_new_ones_find_nothing(string name) => FuzzTests.Play(name, output);
}
