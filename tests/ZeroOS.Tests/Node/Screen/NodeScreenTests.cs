using Xunit;

using ZeroOS.Linux;
using ZeroOS.Node.Screen;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Screen;

public sealed class NodeScreenTests
{
    [Fact]
    public void Where_there_is_no_terminal_nothing_is_asked_and_nothing_is_written()
    {
        using FileDescriptor nowhere = FileDescriptor.Memory("nowhere");
        NodeScreen screen = new(nowhere, () => throw new InvalidOperationException("asked"), new LineLog(_ => Assert.Fail("said")));
        screen.Start();
        screen.Show(whole: true);
        Assert.Equal(0, nowhere.Length);
    }

    [SkippableFact]
    [Trait("tier", "kernel")]
    public void On_a_terminal_the_page_appears_and_facts_that_fail_are_said_once_and_do_no_harm()
    {
        using FileDescriptor? ours = FileDescriptor.TryOpen("/dev/ptmx", OpenFlags.ReadWrite | OpenFlags.NoControllingTty | OpenFlags.NonBlocking, 0, out _);
        Skip.If(ours is null, "no pseudo terminals");
        int unlock = 0, number = 0;
        const nuint TIOCSPTLCK = 0x40045431, TIOCGPTN = 0x80045430, TIOCSWINSZ = 0x5414;
        Assert.Equal(0, ours!.Ioctl(TIOCSPTLCK, ref unlock));
        Assert.Equal(0, ours.Ioctl(TIOCGPTN, ref number));
        using FileDescriptor terminal = FileDescriptor.Open($"/dev/pts/{number}", OpenFlags.WriteOnly | OpenFlags.NoControllingTty);
        ulong size = 25 | (80ul << 16);
        Assert.Equal(0, ours.Ioctl(TIOCSWINSZ, ref size));
        Assert.Equal(Errno.None, VirtualTerminal.SetRaw(terminal));
        List<string> said = [];
        bool broken = true;
        NodeScreen screen = new(terminal, () => broken ? throw new IOException("the disk is gone") : ScreenBench.Ready, new LineLog(said.Add));

        screen.Show();
        screen.Show();
        Assert.Equal(["screen: IOException: the disk is gone"], said);
        broken = false;
        screen.Show();

        byte[] seen = new byte[16384];
        Assert.Equal(Errno.None, ours.TryRead(seen, out int length));
        string text = System.Text.Encoding.Latin1.GetString(seen, 0, length);
        Assert.StartsWith(Glyphs.BeginPage, text, StringComparison.Ordinal);
        Assert.Contains(ScreenBench.NodeId, text, StringComparison.Ordinal);
    }
}
