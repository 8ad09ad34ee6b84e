namespace ZeroOS.Host.Storage;

/// <summary>Why a disk is not claimed or erased, a sentence.</summary>
public sealed class DiskRefusedException(string message, bool isUnknown = false) : Exception(message)
{
    /// <summary>There is no such disk, rather than one that may not be written.</summary>
    public bool IsUnknown { get; } = isUnknown;
}
