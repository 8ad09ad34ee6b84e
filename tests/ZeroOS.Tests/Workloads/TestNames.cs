using ZeroOS.Workloads;

namespace ZeroOS.Tests.Workloads;

/// <summary>Names under a key that every test knows.</summary>
internal static class TestNames
{
    public static WorkloadNames Names { get; } = new(new byte[WorkloadNames.KeyBytes]);
}
