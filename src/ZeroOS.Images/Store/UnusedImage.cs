namespace ZeroOS.Images.Store;

/// <summary>
/// An image on the disk that no machine uses. <paramref name="BroughtBy"/>: the folder name of the tenant that brought it, empty when it is not known.
/// <paramref name="Bytes"/>: what it takes of the disk.
/// </summary>
internal sealed record UnusedImage(ImageFiles Files, string BroughtBy, long Bytes, DateTime LastUsed);
