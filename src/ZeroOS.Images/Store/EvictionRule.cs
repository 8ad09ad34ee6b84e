namespace ZeroOS.Images.Store;

/// <summary>
/// Which images that nobody uses have to go: the least recently used, until each tenant that brought some, all of them together, and the file system's
/// free bytes are within their limits. Until then an image counts for who brought it.
/// </summary>
internal sealed record EvictionRule
{
    /// <summary>Images that count as one of this size at least: an image is a directory and five files, too.</summary>
    public const long LeastBytes = 1 << 20;

    /// <summary>Bytes of unused images that one tenant brought, at most.</summary>
    public required long OwnerBytes { get; init; }

    /// <summary>Bytes of all unused images at most.</summary>
    public required long TotalBytes { get; init; }

    /// <summary>While fewer bytes than this are free, unused images go.</summary>
    public required long KeepFreeBytes { get; init; }

    /// <summary>
    /// The rule for a file system of <paramref name="capacityBytes"/>: a sixteenth for one tenant, an eighth in sum. A sixteenth is kept free, at least twice
    /// what <see cref="StorageRoom"/> refuses: unused images go before a used one has to wait.
    /// </summary>
    public static EvictionRule For(long capacityBytes) => new()
    {
        OwnerBytes = capacityBytes / 16,
        TotalBytes = capacityBytes / 8,
        KeepFreeBytes = Math.Max(capacityBytes / 16, 2 * StorageRoom.ReserveOf(capacityBytes)),
    };

    /// <summary>What goes, in this order.</summary>
    public IReadOnlyList<UnusedImage> Choose(IEnumerable<UnusedImage> unused, long freeBytes)
    {
        List<UnusedImage> oldestFirst = [.. unused.OrderBy(u => u.LastUsed)], gone = [];
        Dictionary<string, long> owners = oldestFirst.GroupBy(u => u.BroughtBy, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Sum(Size), StringComparer.Ordinal);
        long total = owners.Values.Sum();
        foreach (UnusedImage image in oldestFirst)
        {
            if (owners[image.BroughtBy] <= OwnerBytes && total <= TotalBytes && freeBytes >= KeepFreeBytes)
                continue;
            gone.Add(image);
            owners[image.BroughtBy] -= Size(image);
            total -= Size(image);
            freeBytes += image.Bytes;
        }
        return gone;
    }

    private static long Size(UnusedImage image) => Math.Max(image.Bytes, LeastBytes);
}
