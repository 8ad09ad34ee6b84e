using System.Globalization;
using System.Text;

namespace ZeroOS.Media.Serve.Tftp;

/// <summary>
/// A read request (RFC 1350, section 5) with its options (RFC 2347; blksize of RFC 2348, tsize and timeout of RFC 2349, windowsize of RFC 7440). The decoder
/// is bounded and never throws; an option that makes no sense is as if it had not been sent.
/// </summary>
internal sealed record TftpRequest
{
    /// <summary>Larger datagrams are no request (RFC 2347: 512 bytes at most).</summary>
    public const int MaxBytes = 512;

    /// <summary>The block size of who does not ask for another.</summary>
    public const int PlainBlockBytes = 512;

    private const int MinBlockBytes = 8, MaxBlockBytes = 65464, MaxOptions = 16;

    /// <summary>The name asked for, without a leading slash, as foreign text.</summary>
    public required string FileName { get; init; }

    /// <summary>Bytes of a block, 8 to 65,464; null when not asked for.</summary>
    public int? BlockBytes { get; init; }

    /// <summary>Blocks sent before an acknowledgement is waited for, 1 to 65,535; null when not asked for.</summary>
    public int? WindowBlocks { get; init; }

    /// <summary>Seconds before a block is sent again, 1 to 255; null when not asked for.</summary>
    public int? TimeoutSeconds { get; init; }

    /// <summary>Wants to be told the length.</summary>
    public bool AsksLength { get; init; }

    /// <summary>An answer with options comes first.</summary>
    public bool HasOptions => BlockBytes is not null || WindowBlocks is not null || TimeoutSeconds is not null || AsksLength;

    /// <summary>Reads a datagram sent to port 69; false, with the error to answer, when it is nothing that is served.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out TftpRequest request, out TftpError error)
    {
        request = new TftpRequest { FileName = "" };
        error = TftpError.None;
        if (bytes.Length is < 4 or > MaxBytes || bytes[0] != 0)
            return false;
        if (bytes[1] == (byte)TftpOpcode.Write)
        {
            error = TftpError.AccessViolation;
            return false;
        }
        if (bytes[1] != (byte)TftpOpcode.Read || bytes[^1] != 0)
            return false;
        string[] words = Encoding.Latin1.GetString(bytes[2..^1]).Split('\0');
        if (words.Length < 2 || words[0].Length == 0 || !words[1].Equals("octet", StringComparison.OrdinalIgnoreCase))
        {
            error = TftpError.IllegalOperation;
            return false;
        }
        request = new TftpRequest { FileName = words[0].StartsWith('/') ? words[0][1..] : words[0] };
        for (int i = 2; i + 1 < Math.Min(words.Length, 2 + (2 * MaxOptions)); i += 2)
        {
            int? value = int.TryParse(words[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
            request = (words[i].ToLowerInvariant(), value) switch
            {
                ("blksize", >= MinBlockBytes and <= MaxBlockBytes) => request with { BlockBytes = value },
                ("windowsize", >= 1 and <= ushort.MaxValue) => request with { WindowBlocks = value },
                ("timeout", >= 1 and <= byte.MaxValue) => request with { TimeoutSeconds = value },
                ("tsize", not null) => request with { AsksLength = true },
                _ => request,
            };
        }
        return true;
    }
}
