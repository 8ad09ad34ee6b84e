using System.Buffers.Text;

using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>The second page: the kernel's log from its beginning, record by record as it comes. It waits for nothing and keeps nothing.</summary>
internal sealed class KernelLogPage
{
    private const int RecordsAtOnce = 32, MaxRecord = 8192, MaxText = 1024, GraveBelow = 4;
    private readonly FileDescriptor _terminal;
    private readonly byte[] _record = new byte[MaxRecord], _line = new byte[MaxText + 64];

    private KernelLogPage(FileDescriptor terminal, FileDescriptor records) => (_terminal, Records) = (terminal, records);

    /// <summary>To poll for reading.</summary>
    internal FileDescriptor Records { get; }

    /// <summary>Begins the page; null if the kernel does not let its log be read.</summary>
    internal static KernelLogPage? TryOpen(FileDescriptor terminal)
    {
        FileDescriptor? records = FileDescriptor.TryOpen("/dev/kmsg", OpenFlags.ReadOnly | OpenFlags.NonBlocking, 0, out _);
        if (records is null)
            return null;
        _ = terminal.TryWrite("\e%@\e(U\e[?7h\e[?25l\e[0m\e[2J\e[1;1H"u8, out _);
        return new KernelLogPage(terminal, records);
    }

    /// <summary>Shows what came; what is left over is still readable.</summary>
    internal void Copy()
    {
        for (int i = 0; i < RecordsAtOnce; i++)
        {
            Errno errno = Records.TryRead(_record, out int length);
            if (errno == Errno.EPIPE)
                continue; // the kernel has thrown away what we were slow to read, and goes on behind it
            if (errno != Errno.None || length == 0)
                return;
            _ = _terminal.TryWrite(_line.AsSpan(0, Format(_record.AsSpan(0, length), _line)), out _);
        }
    }

    /// <summary>
    /// One record of /dev/kmsg ("6,339,5140900,-;text", Documentation/ABI/testing/dev-kmsg) as a line with its time, grave ones in another colour; 0 bytes if
    /// it is no record. Whoever wrote the text, nothing but printable characters comes out.
    /// </summary>
    internal static int Format(ReadOnlySpan<byte> record, Span<byte> line)
    {
        int semicolon = record.IndexOf((byte)';');
        ReadOnlySpan<byte> head = semicolon < 0 ? default : record[..semicolon];
        if (!Utf8Parser.TryParse(head, out int priority, out int at) || !Skip(ref head, at) || !Utf8Parser.TryParse(head, out long _, out at)
            || !Skip(ref head, at) || !Utf8Parser.TryParse(head, out long microseconds, out _) || microseconds < 0)
            return 0;
        ReadOnlySpan<byte> text = record[(semicolon + 1)..];
        if (text.IndexOf((byte)'\n') is var end && end >= 0)
            text = text[..end];
        text = text[..Math.Min(text.Length, MaxText)];
        int length = Append(line, 0, (priority & 7) < GraveBelow ? "\e[0;1;33m["u8 : "\e[0;37m["u8);
        _ = Utf8Formatter.TryFormat(microseconds / 1e6, line[length..], out int written, new System.Buffers.StandardFormat('F', 3));
        length = Append(line, length + written, "] "u8);
        foreach (byte b in text)
            line[length++] = b is >= (byte)' ' and <= (byte)'~' ? b : (byte)'?';
        return Append(line, length, "\r\n"u8);
    }

    private static bool Skip(ref ReadOnlySpan<byte> head, int at)
    {
        bool comma = at < head.Length && head[at] == (byte)',';
        head = comma ? head[(at + 1)..] : default;
        return comma;
    }

    private static int Append(Span<byte> line, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(line[at..]);
        return at + bytes.Length;
    }
}
