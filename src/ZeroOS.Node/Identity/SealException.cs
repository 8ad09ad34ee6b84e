namespace ZeroOS.Node.Identity;

/// <summary>Nothing can be sealed or unsealed on this start: a kebab-case reason, and a sentence.</summary>
internal sealed class SealException(string reason, string message) : Exception(message)
{
    /// <summary>As in <see cref="Contracts.Bus.LockedState.Reason"/>.</summary>
    public string Reason { get; } = reason;
}
