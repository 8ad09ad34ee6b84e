namespace ZeroOS.Media;

/// <summary>Why an image is not built, written or served: one sentence that says what, which, why, and what to do.</summary>
/// <param name="message">The sentence.</param>
/// <param name="isUsage">The caller asked for something that makes no sense, rather than the work having failed.</param>
internal sealed class MediaException(string message, bool isUsage = false) : Exception(message)
{
    /// <summary>The caller asked for something that makes no sense.</summary>
    public bool IsUsage { get; } = isUsage;
}
