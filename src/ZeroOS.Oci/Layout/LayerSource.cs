using ZeroOS.Flist;

namespace ZeroOS.Oci.Layout;

/// <summary>Where one layer's entries come from, and what its bytes must hash to.</summary>
internal sealed class LayerSource
{
    /// <summary>For messages.</summary>
    internal required string Name { get; init; }

    /// <summary>A directory to read as it is, instead of an archive.</summary>
    internal string? Directory { get; init; }

    /// <summary>Opens the archive as stored, seekable.</summary>
    internal Func<Stream>? Open { get; init; }

    /// <summary>`.wh.` names take files away; false for a root file system, where they are just names.</summary>
    internal bool HasWhiteouts { get; init; }

    /// <summary>Of the stored bytes.</summary>
    internal Sha256Digest? Digest { get; init; }

    /// <summary>Stored bytes.</summary>
    internal long? Size { get; init; }

    /// <summary>Of the uncompressed archive.</summary>
    internal Sha256Digest? DiffId { get; init; }

    internal LayerStream OpenArchive(long maxPlainBytes) => new(Open!(), this, maxPlainBytes);
}
