using System.Buffers;
using System.Globalization;
using System.Text;

using Microsoft.AspNetCore.Http;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// The head of a <c>POST /session</c>, read without a byte of what is behind it: HTTP/1.1 with a Content-Length, and nothing that would make its end a matter
/// of opinion.
/// </summary>
internal static class SessionRequest
{
    /// <summary>Bytes of a head at most.</summary>
    public const int MaxHeadBytes = 8 * 1024;

    /// <summary>Header lines at most.</summary>
    public const int MaxHeaders = 32;

    private static readonly SearchValues<byte> s_token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static readonly SearchValues<byte> s_controls = SearchValues.Create([.. Enumerable.Range(0, 32).Where(c => c != '\t').Select(c => (byte)c), 127]);

    /// <summary>How it begins, and no other request does.</summary>
    public static ReadOnlySpan<byte> FirstBytes => "POST /session "u8;

    private static ReadOnlySpan<byte> Line => "POST /session HTTP/1.1"u8;

    /// <summary>Whether a connection that begins with these bytes is one; null: too few to tell.</summary>
    public static bool? Begins(ReadOnlySpan<byte> first)
    {
        int length = Math.Min(first.Length, FirstBytes.Length);
        if (!FirstBytes.StartsWith(first[..length]))
            return false;
        return length == FirstBytes.Length ? true : null;
    }

    /// <summary>Reads the head to its end: the length of the body behind it, or the status of a refusal.</summary>
    /// <exception cref="IOException">The client ended or broke the connection.</exception>
    public static async Task<(int Status, long Length)> ReadHeadAsync(UnreadConnection connection, CancellationToken cancellation)
    {
        byte[] head = ArrayPool<byte>.Shared.Rent(MaxHeadBytes);
        try
        {
            for (int length = 0; length < MaxHeadBytes;)
            {
                int shown = await connection.PeekAsync(head.AsMemory(length, MaxHeadBytes - length), cancellation);
                int end = EndOf(head.AsSpan(0, length + shown), length);
                int taken = await connection.ReceiveAsync(head.AsMemory(length, (end < 0 ? length + shown : end) - length), cancellation);
                if (taken == 0)
                    throw new IOException("the client ended the connection in the head of its request");
                length += taken;
                if (length == end)
                    return (Read(head.AsSpan(0, end), out long body), body);
            }
            return (StatusCodes.Status431RequestHeaderFieldsTooLarge, 0);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(head);
        }
    }

    /// <summary>Reads a whole head, its empty line included: 0 and the length of the body, or the status of a refusal.</summary>
    internal static int Read(ReadOnlySpan<byte> head, out long length)
    {
        length = -1;
        int end = head.IndexOf("\r\n"u8);
        if (!head[..end].SequenceEqual(Line))
            return head.StartsWith("POST /session HTTP/"u8) ? StatusCodes.Status505HttpVersionNotsupported : StatusCodes.Status400BadRequest;
        head = head[(end + 2)..];
        for (int headers = 0; (end = head.IndexOf("\r\n"u8)) > 0; headers++)
        {
            if (headers == MaxHeaders)
                return StatusCodes.Status431RequestHeaderFieldsTooLarge;
            int status = ReadHeader(head[..end], ref length);
            if (status != 0)
                return status;
            head = head[(end + 2)..];
        }
        return length < 0 ? StatusCodes.Status411LengthRequired : 0;
    }

    private static int ReadHeader(ReadOnlySpan<byte> line, ref long length)
    {
        int colon = line.IndexOf((byte)':');
        if (colon <= 0 || line[..colon].ContainsAnyExcept(s_token) || line.ContainsAny(s_controls))
            return StatusCodes.Status400BadRequest;
        ReadOnlySpan<byte> name = line[..colon], value = line[(colon + 1)..].Trim(" \t"u8);
        if (Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8))
            return StatusCodes.Status411LengthRequired;
        if (Ascii.EqualsIgnoreCase(name, "Expect"u8))
            return StatusCodes.Status417ExpectationFailed;
        if (!Ascii.EqualsIgnoreCase(name, "Content-Length"u8))
            return 0;
        return length < 0 && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out length) ? 0 : StatusCodes.Status400BadRequest;
    }

    // Where the head ends, or -1; what was there before the last bytes came has no end.
    private static int EndOf(ReadOnlySpan<byte> head, int before)
    {
        int from = Math.Max(before - 3, 0);
        int at = head[from..].IndexOf("\r\n\r\n"u8);
        return at < 0 ? -1 : from + at + 4;
    }
}
