using System.Globalization;
using System.Text;

namespace ZeroOS.Media.Serve.Http;

/// <summary>The head of a request (RFC 9112), as far as sending files goes: method, name, one range. The decoder is bounded and never throws.</summary>
internal sealed record HttpRequest
{
    /// <summary>A longer head is refused.</summary>
    public const int MaxHeadBytes = 8192;

    /// <summary>GET or HEAD; anything else is refused by who reads it.</summary>
    public required string Method { get; init; }

    /// <summary>The path without its slash, percent signs decoded, as foreign text; a query is cut off.</summary>
    public required string Name { get; init; }

    /// <summary>The connection stays for another request.</summary>
    public bool KeepsAlive { get; init; }

    /// <summary>First byte wanted, or, if <see cref="To"/> is null and this is negative, how many of the last ones; null when all are.</summary>
    public long? From { get; init; }

    /// <summary>Last byte wanted, counted in; null means to the end.</summary>
    public long? To { get; init; }

    /// <summary>Where the head in these bytes ends, the empty line counted in; -1 when it does not end yet.</summary>
    public static int EndOfHead(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf("\r\n\r\n"u8);
        return end < 0 ? -1 : end + 4;
    }

    /// <summary>Reads a whole head; false when it is none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> head, out HttpRequest request)
    {
        request = new HttpRequest { Method = "", Name = "" };
        if (head.Length is 0 or > MaxHeadBytes)
            return false;
        string[] lines = Encoding.Latin1.GetString(head).Split("\r\n");
        string[] words = lines[0].Split(' ');
        if (words.Length != 3 || words[2] is not ("HTTP/1.1" or "HTTP/1.0") || PathOf(words[1]) is not string path)
            return false;
        request = new HttpRequest { Method = words[0], Name = path, KeepsAlive = words[2] == "HTTP/1.1" };
        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
                continue;
            string value = line[(colon + 1)..].Trim();
            request = line[..colon].ToLowerInvariant() switch
            {
                "connection" when value.Equals("keep-alive", StringComparison.OrdinalIgnoreCase) => request with { KeepsAlive = true },
                "connection" when value.Equals("close", StringComparison.OrdinalIgnoreCase) => request with { KeepsAlive = false },
                "range" => WithRange(request, value),
                // Nobody who loads a file sends a body; where one begins would be a guess.
                "content-length" when value != "0" => request with { KeepsAlive = false },
                "transfer-encoding" => request with { KeepsAlive = false },
                _ => request,
            };
        }
        return true;
    }

    /// <summary>The bytes wanted of a file of that length: first and count; null when the range has none of them.</summary>
    public (long First, long Count)? RangeOf(long length)
    {
        if (From is not long from)
            return (0, length);
        if (from < 0)
            return length == 0 ? null : (Math.Max(0, length + from), Math.Min(length, -from));
        return from >= length ? null : (from, Math.Min(To ?? long.MaxValue, length - 1) - from + 1);
    }

    private static string? PathOf(string target)
    {
        if (target.StartsWith("http://", StringComparison.OrdinalIgnoreCase)) // the absolute form is for proxies, and some firmware
        {
            int slash = target.IndexOf('/', "http://".Length);
            target = slash < 0 ? "/" : target[slash..];
        }
        if (!target.StartsWith('/'))
            return null;
        int end = target.AsSpan().IndexOfAny('?', '#');
        return Uri.UnescapeDataString(end < 0 ? target[1..] : target[1..end]);
    }

    /// <summary>One range is understood, several are answered with the whole file (RFC 9110, 14.2 leaves that to the server).</summary>
    private static HttpRequest WithRange(HttpRequest request, string value)
    {
        if (!value.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
            return request;
        string[] ends = value["bytes=".Length..].Split('-');
        if (ends.Length != 2)
            return request;
        bool hasFirst = Number(ends[0]) is not null, hasLast = Number(ends[1]) is not null;
        return (hasFirst, hasLast) switch
        {
            (true, true) when Number(ends[0]) <= Number(ends[1]) => request with { From = Number(ends[0]), To = Number(ends[1]) },
            (true, false) when ends[1].Length == 0 => request with { From = Number(ends[0]), To = null },
            (false, true) when ends[0].Length == 0 && Number(ends[1]) > 0 => request with { From = -Number(ends[1]), To = null },
            _ => request,
        };
    }

    private static long? Number(string text) => long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
}
