using System.Runtime.InteropServices;

using ZeroOS.Cli.Output;
using ZeroOS.Linux;

using Signum = Mono.Unix.Native.Signum;
using Syscall = Mono.Unix.Native.Syscall;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>A pseudo terminal with a person at its other end, who is the test.</summary>
internal sealed class TestTerminal : IDisposable
{
    private const nuint TCGETS = 0x5401, TIOCSWINSZ = 0x5414, TIOCSPTLCK = 0x40045431, TIOCGPTN = 0x80045430;

    private readonly FileDescriptor _person;

    private TestTerminal(FileDescriptor person, FileDescriptor descriptor)
    {
        (_person, Descriptor) = (person, descriptor);
        Reader = new DescriptorStream(descriptor.Duplicate(), "terminal");
    }

    public FileDescriptor Descriptor { get; }

    public Stream Reader { get; }

    public static TestTerminal Open(int columns, int rows)
    {
        FileDescriptor? person = FileDescriptor.TryOpen("/dev/ptmx", OpenFlags.ReadWrite | OpenFlags.NoControllingTty, 0, out _);
        Skip.If(person is null, "no pseudo terminals");
        int unlock = 0, number = 0;
        Assert.Equal(0, person!.Ioctl(TIOCSPTLCK, ref unlock));
        Assert.Equal(0, person.Ioctl(TIOCGPTN, ref number));
        TestTerminal terminal = new(person, FileDescriptor.Open($"/dev/pts/{number}", OpenFlags.ReadWrite | OpenFlags.NoControllingTty));
        terminal.SetSize(columns, rows);
        return terminal;
    }

    /// <summary>All that stty(1) would show, to compare.</summary>
    public string Settings()
    {
        termios settings = default;
        Assert.Equal(0, Descriptor.Ioctl(TCGETS, ref settings));
        return Convert.ToHexString(MemoryMarshal.AsBytes(new ReadOnlySpan<termios>(in settings)));
    }

    public void Type(ReadOnlySpan<byte> keys) => _person.Write(keys);

    /// <summary>As a window manager does it, which then tells the programs in the window.</summary>
    public void Resize(int columns, int rows)
    {
        SetSize(columns, rows);
        Assert.Equal(0, Syscall.kill(Syscall.getpid(), Signum.SIGWINCH));
    }

    // Who still reads from it hears of the person's leaving.
    public void Dispose()
    {
        _person.Dispose();
        Descriptor.Dispose();
    }

    private void SetSize(int columns, int rows)
    {
        ulong size = (ushort)rows | ((ulong)(ushort)columns << 16);     // struct winsize, no pixels
        Assert.Equal(0, _person.Ioctl(TIOCSWINSZ, ref size));
    }
}
