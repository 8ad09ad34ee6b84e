namespace ZeroOS.Media.SystemImage.Media;

/// <summary>A file of an image.</summary>
/// <param name="File">Its name in the image's folder, with slashes.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Its hash, hex.</param>
internal sealed record ImageFile(string File, long Bytes, string Sha256);
