namespace ZeroOS.Tests.Oci.Build;

/// <summary>Programs that are not ours and read an image's layers.</summary>
[Flags]
internal enum FieldJudges
{
    /// <summary>Neither can: GNU tar follows no absolute links, overlayfs knows no whiteouts of a tar, umoci 0.4 knows no parents that are files.</summary>
    None = 0,

    /// <summary>GNU tar unpacks each layer apart and the kernel's overlayfs shows them together, as Docker and containerd do.</summary>
    Overlay = 1,

    /// <summary>umoci unpacks one layer over the other.</summary>
    Umoci = 2,
}
