namespace ZeroOS.Host.Storage;

/// <summary>A disk as it is now.</summary>
/// <param name="Disk">Which.</param>
/// <param name="State">As <see cref="NodeStorage.Disks"/> has it, or "claiming" or "erasing".</param>
/// <param name="Reason">Why.</param>
/// <param name="Remedy">What helps elsewhere, or null.</param>
/// <param name="ContentId">What is on it; null of a disk that cannot be claimed or erased.</param>
/// <param name="Percent">How far the claim or erase is, or null.</param>
public sealed record SeenDisk(BlockDisk Disk, string State, string Reason, string? Remedy, string? ContentId, int? Percent);
