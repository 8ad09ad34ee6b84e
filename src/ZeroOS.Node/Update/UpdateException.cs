namespace ZeroOS.Node.Update;

/// <summary>An update cannot go on; the reason is a stable kebab-case code, the message a sentence for the owner.</summary>
internal sealed class UpdateException(string reason, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>"no-room", "boot-medium", "firmware-refuses", …</summary>
    public string Reason { get; } = reason;
}
