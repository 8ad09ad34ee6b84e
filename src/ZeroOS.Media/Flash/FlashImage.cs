using System.Buffers.Binary;

using ZeroOS.Flist;
using ZeroOS.Formats.Zstd;
using ZeroOS.Oci.Layout;

namespace ZeroOS.Media.Flash;

/// <summary>
/// An image that is to be written: a disk image, or an ISO image that is one as well, plain or under zstd, which is unpacked as it is read. Its bytes are
/// compared with SHA256SUMS beside it, if that lists it.
/// </summary>
internal sealed class FlashImage : IDisposable
{
    private const uint ZstdMagic = 0xFD2FB528;
    private readonly string _path;
    private readonly DigestStream _stored;
    private readonly Sha256Digest? _expected;

    private FlashImage(string path, DigestStream stored, Stream bytes, long? length, Sha256Digest? expected) =>
        (_path, _stored, Bytes, Length, _expected) = (path, stored, bytes, length, expected);

    /// <summary>The image, from its first byte to its last, once.</summary>
    public Stream Bytes { get; }

    /// <summary>Its length in bytes; null when the compressed file does not say.</summary>
    public long? Length { get; }

    /// <summary>There is a sum to compare with.</summary>
    public bool HasSum => _expected is not null;

    /// <summary>Opens it.</summary>
    /// <exception cref="MediaException">There is no such file.</exception>
    public static FlashImage Open(string path)
    {
        if (!File.Exists(path))
            throw new MediaException($"there is no image {path}; \"make image\" writes out/zeroos.img, or say where it is with --image FILE");
        FileStream file = new(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Options = FileOptions.SequentialScan });
        byte[] head = new byte[18];
        int got = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        file.Position = 0;
        DigestStream stored = new(file);
        Sha256Digest? expected = SumOf(path);
        return got == head.Length && BinaryPrimitives.ReadUInt32LittleEndian(head) == ZstdMagic
            ? new FlashImage(path, stored, new ZstdReadStream(stored), ContentSize(head), expected)
            : new FlashImage(path, stored, stored, file.Length, expected);
    }

    /// <summary>A file made here, which nobody has listed.</summary>
    public static FlashImage OfMade(string path, string name)
    {
        FileStream file = new(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Options = FileOptions.SequentialScan });
        DigestStream stored = new(file);
        return new FlashImage(name, stored, stored, file.Length, expected: null);
    }

    /// <summary>Call it when all bytes were read.</summary>
    /// <exception cref="MediaException">The file is not the one SHA256SUMS lists.</exception>
    public void CheckSum()
    {
        if (_expected is not { } expected)
            return;
        _stored.CopyTo(Stream.Null); // what follows the last frame is part of the file
        Sha256Digest sum = _stored.Digest;
        if (sum != expected)
            throw new MediaException($"{_path} is damaged: its SHA-256 is {sum.Hex}, and SHA256SUMS beside it says {expected.Hex}; download it again");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Bytes.Dispose();
        _stored.Dispose();
    }

    /// <summary>The length a zstd frame says its content has (RFC 8878, 3.1.1.1); null when it does not.</summary>
    internal static long? ContentSize(ReadOnlySpan<byte> frame)
    {
        int descriptor = frame[4];
        bool single = (descriptor & 0x20) != 0;
        int at = 5 + (single ? 0 : 1) + (descriptor & 3) switch { 0 => 0, 1 => 1, 2 => 2, _ => 4 };
        ulong? size = (descriptor >> 6) switch
        {
            0 => single ? frame[at] : null,
            1 => BinaryPrimitives.ReadUInt16LittleEndian(frame[at..]) + 256ul,
            2 => BinaryPrimitives.ReadUInt32LittleEndian(frame[at..]),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(frame[at..]),
        };
        return size <= long.MaxValue ? (long)size : null;
    }

    private static Sha256Digest? SumOf(string path)
    {
        string sums = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "SHA256SUMS");
        if (!File.Exists(sums) || new FileInfo(sums).Length > 1 << 20)
            return null;
        // "HEX  NAME" or "HEX *NAME", as sha256sum writes it.
        string? line = File.ReadLines(sums).FirstOrDefault(l => l.Length > 66 && l[64] == ' ' && l[66..] == Path.GetFileName(path));
        try
        {
            return line is null ? null : new Sha256Digest(Convert.FromHexString(line[..64]));
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
