namespace ZeroOS.Media.Flash;

/// <summary>Which disks may be written, and what a person has to say before one is.</summary>
internal static class FlashGuard
{
    private const int MaxUses = 3;

    /// <summary>Why this disk is not written whatever anybody says; null when it may be.</summary>
    public static string? WhyNever(Disk disk)
    {
        if (disk.SizeBytes == 0)
            return $"{disk.Path} holds no medium; put a card in";
        if (disk.IsReadOnly)
            return $"{disk.Path} is read-only; look for a switch on the card or stick";
        if (disk.SectorBytes != 512)
            return $"{disk.Path} has sectors of {disk.SectorBytes} bytes, and the image's partition table is for those of 512; use another stick";
        if (disk.Uses.Count == 0)
            return null;
        string how = disk.Uses.Any(u => u.Contains("mounted", StringComparison.Ordinal)) ? "unmount it (umount)" : "release it";
        string more = disk.Uses.Count > MaxUses ? $"; and {disk.Uses.Count - MaxUses} more" : "";
        return $"{disk.Path} is in use: {string.Join("; ", disk.Uses.Take(MaxUses))}{more}; {how} and try again";
    }

    /// <summary>
    /// Why it is not written without more being said; null when enough was. <paramref name="repeated"/> is what --yes-this-disk said. A disk that is built in
    /// always wants it; what can be taken out wants it of a script, and a person is asked.
    /// </summary>
    public static string? WhyNotYet(Disk disk, string? repeated, bool canAsk)
    {
        string word = disk.Serial.Length > 0 ? "serial number" : "name, for it has no serial number,";
        if (repeated is not null)
            return repeated == disk.Confirmation ? null
                : $"{disk.Path} is not the disk \"{repeated}\": its {word} is {disk.Confirmation}; zos image flash --list shows which is which";
        if (!disk.IsCandidate)
            return $"{disk.Path} is built in, neither removable nor on USB; if it is meant, repeat its {word} with --yes-this-disk {disk.Confirmation}";
        return canAsk ? null : $"nobody can be asked whether {disk.Path} is meant; repeat its {word} with --yes-this-disk {disk.Confirmation}";
    }
}
