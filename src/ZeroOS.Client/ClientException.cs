namespace ZeroOS.Client;

/// <summary>
/// Why something cannot be asked of a node, or what came back is no good: one sentence for a person that says what, which, why, and what to do.
/// </summary>
/// <param name="message">The sentence.</param>
/// <param name="isUsage">The words that were given are wrong; nothing was tried.</param>
public sealed class ClientException(string message, bool isUsage = false) : Exception(message)
{
    /// <summary>The words that were given are wrong; nothing was tried.</summary>
    public bool IsUsage { get; } = isUsage;
}
