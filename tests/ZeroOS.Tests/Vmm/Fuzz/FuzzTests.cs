using Xunit;
using Xunit.Abstractions;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>Each entry point for a moment, with a seed of its own each time; the seed is printed, and one that fails becomes a case.</summary>
public class FuzzTests(ITestOutputHelper output)
{
    private const int Operations = 10_000;

    public static TheoryData<string> Kinds => [.. DeviceFuzz.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Any_operations_break_a_device_at_worst(string kind) => DeviceFuzz.Run(kind, Seed(), Operations);

    [Fact]
    public void Any_accesses_beside_a_living_loop_break_the_device_at_worst() => TransportFuzz.Run(Seed(), Operations);

    private int Seed()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        return seed;
    }
}
