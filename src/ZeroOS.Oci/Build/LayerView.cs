using ZeroOS.Formats.Erofs;

namespace ZeroOS.Oci.Build;

/// <summary>One path as a hard link sees it: what its own layer has there, over what the layers below have.</summary>
/// <param name="Upper">Null where the layer has nothing.</param>
/// <param name="Lower">Null where the layers below have nothing.</param>
internal sealed record LayerView(LayerNode? Upper, ErofsInode? Lower)
{
    /// <summary>What a hard link to this path shares; null for a hard link that is itself not resolved yet.</summary>
    internal ErofsInode? Inode => Upper is null ? Lower : Upper.Inode ?? (Upper.IsDirectory ? Lower : null);

    internal string? LinkTarget =>
        Upper is { IsDirectory: false } ? Upper.LinkTarget : Lower is { IsSymbolicLink: true } && Upper is null ? Lower.LinkTarget : null;

    /// <summary>
    /// The child of that name, or null when neither has one. Marks that something is gone do not count: a link may name what its layer takes away.
    /// </summary>
    internal LayerView? Child(string name)
    {
        LayerNode? upper = Upper?.Children.GetValueOrDefault(name);
        ErofsInode? lower = Upper is { IsDirectory: false } ? null : Lower?.Entries.GetValueOrDefault(name);
        return upper is null && lower is null ? null : new LayerView(upper, lower);
    }
}
