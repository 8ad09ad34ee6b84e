using System.Security.Cryptography;
using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>
/// The bytes of a disk in which other systems leave their signatures: both ends, and the places where copies of superblocks lie. Read once, looked at many
/// times.
/// </summary>
internal sealed class DiskWindows
{
    /// <summary>Bytes of either end.</summary>
    internal const int EdgeBytes = 8 << 20;

    private const int PieceBytes = 4096;

    // Second and third superblock of btrfs; second superblock of ext with blocks of 4 KiB (group 1).
    private static readonly long[] s_copies = [64L << 20, 256L << 30, 128L << 20];
    private readonly List<(long Offset, byte[] Bytes)> _windows = [];

    private DiskWindows(long sizeBytes) => SizeBytes = sizeBytes;

    /// <summary>Bytes of the disk.</summary>
    internal long SizeBytes { get; }

    /// <summary>Its first <see cref="EdgeBytes"/>, or all of a smaller one.</summary>
    internal ReadOnlySpan<byte> First => _windows[0].Bytes;

    /// <summary>Its last <see cref="EdgeBytes"/>, or all of a smaller one.</summary>
    internal ReadOnlySpan<byte> Last => _windows[1].Bytes;

    /// <summary>Where <see cref="Last"/> begins.</summary>
    internal long LastOffset => _windows[1].Offset;

    /// <summary>Reads them; writes nothing.</summary>
    /// <exception cref="LinuxException">The disk cannot be read.</exception>
    internal static DiskWindows Read(FileDescriptor device, long sizeBytes)
    {
        DiskWindows windows = new(sizeBytes);
        int edge = (int)Math.Min(EdgeBytes, sizeBytes);
        windows.Add(device, 0, edge);
        windows.Add(device, sizeBytes - edge, edge);
        foreach (long copy in s_copies.Where(c => c + PieceBytes <= sizeBytes))
            windows.Add(device, copy, PieceBytes);
        return windows;
    }

    /// <summary>As a disk of those bytes would be read, for tests.</summary>
    internal static DiskWindows Of(byte[] disk)
    {
        DiskWindows windows = new(disk.Length);
        windows._windows.Add((0, disk));
        windows._windows.Add((0, disk));
        return windows;
    }

    /// <summary>Whether <paramref name="magic"/> stands at <paramref name="offset"/>; false where nothing was read.</summary>
    internal bool Holds(long offset, ReadOnlySpan<byte> magic)
    {
        foreach ((long at, byte[] bytes) in _windows)
        {
            if (offset >= at && offset <= at + bytes.Length - magic.Length)
                return bytes.AsSpan((int)(offset - at), magic.Length).SequenceEqual(magic);
        }
        return false;
    }

    /// <summary>What is on the disk, in 64 hex digits: over its first and last MiB and the names of what was found on it.</summary>
    internal string ContentId(IReadOnlyList<DiskSignature> signatures)
    {
        const int Part = 1 << 20;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(First[..Math.Min(Part, First.Length)]);
        hash.AppendData(Last[^Math.Min(Part, Last.Length)..]);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Join('\n', signatures.Select(s => s.Name))));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private void Add(FileDescriptor device, long offset, int length)
    {
        byte[] bytes = new byte[length];
        device.ReadExactlyAt(bytes, offset);
        _windows.Add((offset, bytes));
    }
}
