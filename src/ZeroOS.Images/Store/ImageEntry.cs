namespace ZeroOS.Images.Store;

/// <summary>What the store knows of one image that is open, or being opened or closed. The store's lock guards it.</summary>
internal sealed class ImageEntry
{
    /// <summary>The image, when it has been opened; null before anybody tried.</summary>
    public Task<Image>? Opening { get; set; }

    /// <summary>Uses by tenant: machines and monitors' sockets.</summary>
    public Dictionary<string, int> Uses { get; } = new(StringComparer.Ordinal);

    /// <summary>When the last use ended.</summary>
    public DateTime LastUsed { get; set; }

    /// <summary>Not null: it is being closed, or evicted, and opened again only afterwards.</summary>
    public Task? Closing { get; set; }

    /// <summary>The open image, or null.</summary>
    public Image? Image => Opening is { IsCompletedSuccessfully: true } opened ? opened.Result : null;
}
