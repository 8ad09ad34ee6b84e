namespace ZeroOS.Linux;

/// <summary>What a terminal's descriptor is told (ioctl_tty(2), ioctl_vt(2)). A refusal is returned: a computer without a screen must not notice.</summary>
public static class VirtualTerminal
{
    internal const nuint TIOCLINUX = 0x541C, VT_ACTIVATE = 0x5606;
    internal const byte TIOCL_SETKMSGREDIRECT = 11;

    /// <summary>Whether the descriptor is a terminal's.</summary>
    public static bool IsTerminal(FileDescriptor descriptor)
    {
        termios settings = default;
        return descriptor.Ioctl((nuint)TCGETS, ref settings) == 0;
    }

    /// <summary>Rows and columns; null if it is no terminal or does not know.</summary>
    public static (int Rows, int Columns)? Size(FileDescriptor terminal)
    {
        winsize size = default;
        return terminal.Ioctl((nuint)TIOCGWINSZ, ref size) == 0 && size is { ws_row: > 0, ws_col: > 0 } ? (size.ws_row, size.ws_col) : null;
    }

    /// <summary>Bytes go out as they are and what is typed waits unread: no echo, no signals, no flow control, no line editing.</summary>
    public static Errno SetRaw(FileDescriptor terminal)
    {
        termios raw = new() { c_cflag = B38400 | CS8 | CREAD | CLOCAL };
        return Refusal(terminal.Ioctl((nuint)TCSETS, ref raw));
    }

    /// <summary>Shows virtual terminal <paramref name="number"/> (from 1).</summary>
    public static Errno Show(FileDescriptor terminal, int number) => Refusal(terminal.Ioctl(VT_ACTIVATE, number));

    /// <summary>The kernel's own messages appear on virtual terminal <paramref name="number"/> instead of on the one shown; 0 ends that.</summary>
    public static Errno RedirectKernelMessages(FileDescriptor terminal, byte number) => Refusal(terminal.Ioctl(TIOCLINUX, [TIOCL_SETKMSGREDIRECT, number]));

    private static Errno Refusal(int result) => result < 0 ? (Errno)(-result) : Errno.None;
}
