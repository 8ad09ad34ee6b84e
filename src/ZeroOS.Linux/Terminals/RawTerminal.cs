using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>
/// A person's terminal whose keys go to a program elsewhere: bytes come as they are typed and go out as they are, and no key is a signal (cfmakeraw(3)). It is
/// as it was before after <see cref="Dispose"/>, and as soon as a signal comes that ends a process. The descriptor stays the caller's.
/// </summary>
public sealed class RawTerminal : IDisposable
{
    private static readonly PosixSignal[] s_ends = [PosixSignal.SIGHUP, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGTERM];

    private readonly FileDescriptor _terminal;
    private readonly termios _before;
    private readonly PosixSignalRegistration[] _signals;
    private bool _restored;

    private RawTerminal(FileDescriptor terminal, in termios before)
    {
        (_terminal, _before) = (terminal, before);
        _signals = [.. s_ends.Select(s => PosixSignalRegistration.Create(s, _ => Restore()))];
    }

    /// <summary>Makes a terminal raw.</summary>
    /// <exception cref="LinuxException">It is none, or is gone.</exception>
    public static RawTerminal Enter(FileDescriptor terminal)
    {
        termios settings = default;
        Check(terminal.Ioctl((nuint)TCGETS, ref settings), "TCGETS", terminal);
        RawTerminal raw = new(terminal, settings);      // from here on a signal restores it
        settings.c_iflag &= ~(uint)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
        settings.c_oflag &= ~(uint)OPOST;
        settings.c_lflag &= ~(uint)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
        settings.c_cflag = (settings.c_cflag & ~(uint)(CSIZE | PARENB)) | (uint)CS8;
        // A read waits for one byte and for nothing more.
        settings.c_cc[(int)VMIN] = 1;
        settings.c_cc[(int)VTIME] = 0;
        int result = terminal.Ioctl((nuint)TCSETS, ref settings);
        if (result < 0)
            raw.Dispose();
        Check(result, "TCSETS", terminal);
        return raw;
    }

    /// <summary>Gives the terminal its settings back. A terminal that is gone is no error: there is nobody to notice.</summary>
    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
            signal.Dispose();
        Restore();
    }

    private void Restore()
    {
        if (Interlocked.Exchange(ref _restored, true))
            return;
        termios before = _before;
        _ = _terminal.Ioctl((nuint)TCSETS, ref before);
    }

    private static void Check(int result, string operation, FileDescriptor terminal)
    {
        if (result < 0)
            throw new LinuxException((Errno)(-result), operation, $"descriptor {terminal.Number}");
    }
}
