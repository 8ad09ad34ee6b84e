using System.IO.Compression;

using ZeroOS.Flist;
using ZeroOS.Formats.Streams;
using ZeroOS.Formats.Zstd;

namespace ZeroOS.Oci.Layout;

/// <summary>The plain archive of a layer, read once from start to end while both its digests are computed.</summary>
internal sealed class LayerStream : ReadableStream
{
    private readonly DigestStream _stored;
    private readonly DigestStream _plain;
    private readonly LayerSource _source;
    private readonly LayerCompression _compression;

    /// <param name="stored">Seekable; closed with this stream.</param>
    /// <param name="source">What the bytes must hash to.</param>
    /// <param name="maxPlainBytes">How much the layer may unpack to.</param>
    internal LayerStream(Stream stored, LayerSource source, long maxPlainBytes)
    {
        _source = source;
        Span<byte> magic = stackalloc byte[4];
        _compression = CompressionOf(magic[..stored.ReadAtLeast(magic, 4, throwOnEndOfStream: false)]);
        stored.Position = 0;
        _stored = new DigestStream(stored, source.Size ?? maxPlainBytes);
        Stream plain = Decompress(_stored, _compression)
            ?? throw new FlistBuildException($"it is compressed with {NameOf(_compression)}; only gzip and zstd are read");
        _plain = new DigestStream(plain, maxPlainBytes);
    }

    /// <summary>The plain bytes of what is stored; null for a compression that is recognised only.</summary>
    internal static Stream? Decompress(Stream stored, LayerCompression compression) => compression switch
    {
        LayerCompression.Gzip => new GZipStream(stored, CompressionMode.Decompress, leaveOpen: true),
        LayerCompression.Zstd => new ZstdReadStream(stored),
        LayerCompression.None => stored,
        _ => null,
    };

    /// <summary>For messages.</summary>
    internal static string NameOf(LayerCompression compression) => compression switch
    {
        LayerCompression.Gzip => "gzip",
        LayerCompression.Zstd => "zstd",
        LayerCompression.Xz => "xz",
        LayerCompression.Bzip2 => "bzip2",
        _ => "tar",
    };

    internal long StoredBytesRead => _stored.BytesRead;

    /// <summary>Tells the compression from the first four bytes.</summary>
    internal static LayerCompression CompressionOf(ReadOnlySpan<byte> magic)
    {
        if (magic.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]))
            return LayerCompression.Gzip;
        // A zstd frame, or the skippable frame that chunked zstd layers may begin with.
        if (magic.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD])
            || (magic.Length == 4 && (magic[0] & 0xF0) == 0x50 && magic[1..].SequenceEqual((ReadOnlySpan<byte>)[0x2A, 0x4D, 0x18])))
            return LayerCompression.Zstd;
        if (magic.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X']))
            return LayerCompression.Xz;
        return magic.StartsWith("BZh"u8) ? LayerCompression.Bzip2 : LayerCompression.None;
    }

    /// <summary>Reads what is left of the stored bytes and compares both digests.</summary>
    /// <exception cref="FlistBuildException">The layer is not the one its image names.</exception>
    internal void CheckDigests()
    {
        CheckStored();
        if (_source.DiffId is { } diffId && _plain.Digest != diffId)
            throw new FlistBuildException($"its archive hashes to {_plain.Digest}, the config says {diffId}");
    }

    /// <summary>Reads what is left of the stored bytes and compares their number and digest, whatever they mean.</summary>
    /// <exception cref="FlistBuildException">They are not the bytes that the manifest names.</exception>
    internal void CheckStored()
    {
        Span<byte> rest = stackalloc byte[4096];
        while (_stored.Read(rest) > 0)
        {
            // Bytes after the compressed data are part of the blob.
        }
        if (_source.Size is { } size && _stored.BytesRead != size)
            throw new FlistBuildException($"it has {_stored.BytesRead} bytes where the manifest says {size}: it was cut or changed on its way");
        if (_source.Digest is { } digest && _stored.Digest != digest)
            throw new FlistBuildException($"its bytes hash to {_stored.Digest}, the manifest says {digest}: they were changed on their way");
    }

    /// <summary>Of the plain bytes read so far.</summary>
    internal Sha256Digest PlainDigest => _plain.Digest;

    /// <exception cref="FlistBuildException">The compressed data is damaged, or there is more of it than the limit.</exception>
    public override int Read(Span<byte> buffer)
    {
        try
        {
            return _plain.Read(buffer);
        }
        catch (InvalidDataException e)
        {
            // What .NET says about it is about archives in general.
            throw new FlistBuildException($"its {NameOf(_compression)} data is damaged", e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _plain.Dispose();
            _stored.Dispose();
        }
        base.Dispose(disposing);
    }
}
