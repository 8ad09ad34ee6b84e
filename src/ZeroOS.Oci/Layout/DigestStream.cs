using System.Security.Cryptography;

using ZeroOS.Flist;
using ZeroOS.Formats.Streams;

namespace ZeroOS.Oci.Layout;

/// <summary>Hashes (SHA-256) and counts what is read through it, and refuses to go past a limit.</summary>
/// <param name="inner">Read forward from where it stands; closed with this one.</param>
/// <param name="limitBytes">The most that may be read.</param>
public sealed class DigestStream(Stream inner, long limitBytes = long.MaxValue) : ReadableStream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>How many bytes were read so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Of all bytes read so far.</summary>
    public Sha256Digest Digest => new(_hash.GetCurrentHash());

    /// <inheritdoc/>
    /// <exception cref="FlistBuildException">There are more bytes than the limit.</exception>
    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        _hash.AppendData(buffer[..read]);
        BytesRead += read;
        return BytesRead <= limitBytes ? read : throw new FlistBuildException($"it is longer than {limitBytes} bytes");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
            inner.Dispose();
        }
        base.Dispose(disposing);
    }
}
