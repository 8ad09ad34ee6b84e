using System.Buffers;
using System.Globalization;
using System.Text;

namespace ZeroOS.Docker.Http;

/// <summary>Line and headers of an HTTP/1.1 request, as far as a connection that is taken over needs them.</summary>
/// <param name="Method">"POST".</param>
/// <param name="Target">Path and query as sent.</param>
/// <param name="Upgrades">It asks for another protocol.</param>
/// <param name="BodyBytes">Content-Length.</param>
/// <param name="IsChunked">The body comes in chunks instead.</param>
internal sealed record RequestHead(string Method, string Target, bool Upgrades, long BodyBytes, bool IsChunked)
{
    /// <summary>Bytes of a head at most; whoever sends more is Kestrel's to refuse.</summary>
    public const int MaxBytes = 16 << 10;

    /// <summary>Where the head ends, or null while it does not.</summary>
    public static SequencePosition? End(ReadOnlySequence<byte> buffer)
    {
        SequenceReader<byte> reader = new(buffer);
        return reader.TryReadTo(out ReadOnlySequence<byte> _, "\r\n\r\n"u8) ? reader.Position : null;
    }

    /// <summary>Reads a head that is whole; null when it is none.</summary>
    public static RequestHead? Read(ReadOnlySequence<byte> head)
    {
        string[] lines = Encoding.Latin1.GetString(head).Split("\r\n");
        if (lines[0].Split(' ') is not [string method, string target, "HTTP/1.1"])
            return null;
        bool upgrades = false, chunked = false;
        long length = 0;
        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0)
                continue;
            string value = line[(colon + 1)..].Trim();
            switch (line[..colon].ToUpperInvariant())
            {
                case "UPGRADE":
                    upgrades = true;
                    break;
                case "TRANSFER-ENCODING":
                    chunked = value.Equals("chunked", StringComparison.OrdinalIgnoreCase);
                    break;
                case "CONTENT-LENGTH":
                    if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out length))
                        return null;
                    break;
            }
        }
        return new RequestHead(method, target, upgrades, length, chunked);
    }
}
