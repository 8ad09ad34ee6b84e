namespace ZeroOS.Linux;

/// <summary>A pseudo terminal (pty(7)): this process has the master, and what the program on its other side has is a terminal.</summary>
public static class PseudoTerminal
{
    /// <summary>
    /// Opens the program's side of a master that was opened as ptmx of a devpts, by no path: its name is the one it has in that devpts (TIOCGPTPEER,
    /// ioctl_tty(2)).
    /// </summary>
    /// <exception cref="LinuxException">What is open is no master.</exception>
    public static FileDescriptor OpenPeer(FileDescriptor master)
    {
        int locked = 0;
        int result = master.Ioctl((nuint)TIOCSPTLCK, ref locked);
        if (result >= 0)
            result = master.Ioctl((nuint)TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        return result >= 0 ? new FileDescriptor(result) : throw new LinuxException((Errno)(-result), "open", "the terminal of a ptmx");
    }

    /// <summary>Tells a terminal, by either of its sides, its size in characters; the program in front hears of a new one by SIGWINCH.</summary>
    public static Errno SetSize(FileDescriptor terminal, ushort columns, ushort rows)
    {
        winsize size = new() { ws_col = columns, ws_row = rows };
        return Refusal(terminal.Ioctl((nuint)TIOCSWINSZ, ref size));
    }

    /// <summary>Makes the terminal the controlling one of this process's session, which it leads and which has none.</summary>
    public static Errno TakeControl(FileDescriptor terminal) => Refusal(terminal.Ioctl((nuint)TIOCSCTTY, 0));

    private static Errno Refusal(int result) => result < 0 ? (Errno)(-result) : Errno.None;
}
