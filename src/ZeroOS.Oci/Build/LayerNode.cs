namespace ZeroOS.Oci.Build;

/// <summary>What one layer says about one path.</summary>
internal sealed class LayerNode
{
    /// <summary>Null for a directory that is only on the way to an entry, and for a hard link into the layers below.</summary>
    internal ImageInode? Inode { get; set; }

    /// <summary>The path below that a hard link names, until the layers are merged.</summary>
    internal string? LinkBelow { get; init; }

    internal Dictionary<string, LayerNode> Children { get; } = new(StringComparer.Ordinal);

    /// <summary>Names that the layers below lose here.</summary>
    internal HashSet<string> Whiteouts { get; } = new(StringComparer.Ordinal);

    /// <summary>The layers below lose everything here.</summary>
    internal bool Opaque { get; set; }

    /// <summary>Something lies at or below this node; false where there are only marks that something is gone.</summary>
    internal bool HasEntries { get; set; }

    internal bool IsDirectory => Inode is null ? LinkBelow is null : Inode.IsDirectory;

    /// <summary>The target of a symbolic link, otherwise null.</summary>
    internal string? LinkTarget => Inode is { IsSymbolicLink: true } ? Inode.LinkTarget : null;
}
