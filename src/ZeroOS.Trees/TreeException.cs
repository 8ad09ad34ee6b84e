namespace ZeroOS.Trees;

/// <summary>A copy that does not go on: one sentence that says which entry and why.</summary>
/// <param name="message">The sentence.</param>
/// <param name="isLimit">It is more than one copy may hold.</param>
public sealed class TreeException(string message, bool isLimit = false) : Exception(message)
{
    /// <summary>It is more than one copy may hold.</summary>
    public bool IsLimit { get; } = isLimit;
}
