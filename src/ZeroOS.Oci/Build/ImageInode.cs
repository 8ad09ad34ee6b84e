using ZeroOS.Formats.Erofs;

namespace ZeroOS.Oci.Build;

/// <summary>An inode of the image being built; a regular file's bytes are in the spool.</summary>
internal sealed class ImageInode : ErofsInode
{
    private Spool? _spool;
    private long _spoolOffset;

    /// <summary>The layer it came with, counted from 0.</summary>
    internal required int Layer { get; init; }

    /// <summary>Part of the merged tree, not shadowed by a later layer.</summary>
    internal bool Live { get; set; }

    internal void SetContent(Spool spool, long spoolOffset)
    {
        _spool = spool;
        _spoolOffset = spoolOffset;
    }

    /// <summary>Fills the span with the body from <paramref name="offset"/> on, zeros after its end.</summary>
    internal void ReadBody(long offset, Span<byte> destination)
    {
        int inside = (int)Math.Min(destination.Length, Size - InlineTailBytes - offset);
        _spool!.Read(_spoolOffset + offset, destination[..inside]);
        destination[inside..].Clear();
    }

    protected override void ReadTail(Span<byte> destination) => _spool!.Read(_spoolOffset + Size - destination.Length, destination);
}
