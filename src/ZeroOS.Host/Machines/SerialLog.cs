using System.Text;

namespace ZeroOS.Host.Machines;

/// <summary>
/// The last 8 KiB of what a machine said on its serial port and its monitor on standard error: a ring, for the moment when a guest fails to boot.
/// </summary>
internal sealed class SerialLog
{
    /// <summary>Bytes kept.</summary>
    internal const int Capacity = 8 * 1024;

    private readonly byte[] _ring = new byte[Capacity];
    private long _written;

    /// <summary>Adds output; the oldest makes room.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Capacity)
        {
            _written += bytes.Length - Capacity;
            bytes = bytes[^Capacity..];
        }
        int at = (int)(_written % Capacity);
        int first = Math.Min(bytes.Length, Capacity - at);
        bytes[..first].CopyTo(_ring.AsSpan(at));
        bytes[first..].CopyTo(_ring);
        _written += bytes.Length;
    }

    /// <summary>
    /// The last lines that say something, joined by " | ", at most <paramref name="maxCharacters"/>; no control characters, whatever the guest wrote.
    /// </summary>
    public string LastLines(int lines, int maxCharacters)
    {
        int kept = (int)Math.Min(_written, Capacity);
        StringBuilder text = new(kept);
        for (long i = _written - kept; i < _written; i++)
        {
            byte b = _ring[i % Capacity];
            if (b == '\n' || b is >= 0x20 and < 0x7F)
                text.Append((char)b);
        }
        IEnumerable<string> last = text.ToString().Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0).TakeLast(lines);
        string joined = string.Join(" | ", last);
        return joined.Length <= maxCharacters ? joined : joined[^maxCharacters..];
    }
}
