using Xunit;

namespace ZeroOS.Tests;

/// <summary>Tests that count what the whole process has (threads, descriptors): no other test runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    /// <summary>The collection's name.</summary>
    public const string Name = "alone";
}
