using System.Security.Cryptography;

using ZeroOS.Flist;

namespace ZeroOS.Oci.Build;

/// <summary>One data blob as it grows in a temporary file; it gets its name when its last chunk is in.</summary>
internal sealed class BlobWriter : IDisposable
{
    private readonly FileStream _file;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    internal BlobWriter(string path) => _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20);

    internal long Length { get; private set; }

    internal string Path => _file.Name;

    /// <summary>Appends stored bytes and returns where they begin.</summary>
    internal long Append(ReadOnlySpan<byte> stored)
    {
        long start = Length;
        _file.Write(stored);
        _hash.AppendData(stored);
        Length += stored.Length;
        return start;
    }

    /// <summary>Closes the file; nothing can be appended afterwards.</summary>
    internal Sha256Digest Finish()
    {
        _file.Dispose();
        return new Sha256Digest(_hash.GetCurrentHash());
    }

    public void Dispose()
    {
        _file.Dispose();
        _hash.Dispose();
    }
}
