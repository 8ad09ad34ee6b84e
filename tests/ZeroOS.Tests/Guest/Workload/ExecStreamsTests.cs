using System.Text;

using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Workload;

/// <summary>The terminal of a program beside the workload, with nobody on it but the test.</summary>
[Trait("tier", "kernel")]
public sealed class ExecStreamsTests
{
    [SkippableFact]
    public void Terminal_has_its_size_and_its_owner_and_hears_of_another_size()
    {
        using ExecStreams streams = Terminal();
        Assert.True(streams.OnTerminal);
        FileDescriptor program = streams.ProgramEnds[0];
        Assert.Equal((24, 80), VirtualTerminal.Size(program));
        streams.Resize(132, 50);
        Assert.Equal((50, 132), VirtualTerminal.Size(program));
        string name = FileEntry.ReadLink($"/proc/self/fd/{program.Number}");
        Assert.StartsWith("/dev/pts/", name, StringComparison.Ordinal);
        Assert.Equal(33u, FileEntry.TryStatus(name)!.Value.User);
    }

    [SkippableFact]
    public void Terminal_echoes_gives_lines_and_hangs_up_when_our_end_closes()
    {
        using ExecStreams streams = Terminal();
        streams.Input!.Write("hello\n"u8);
        Assert.Equal("hello\r\n", Read(streams.Output));
        FileDescriptor program = streams.ProgramEnds[0];
        Assert.Equal("hello\n", Read(program));
        program.Write("to you\n"u8);
        Assert.Equal("to you\r\n", Read(streams.Output));
        streams.Input.Write([4]);
        Assert.Equal("", Read(program));
        streams.Input.Dispose();
        streams.Output.Dispose();
        Assert.NotEqual(Errno.None, program.TryWrite("anybody?"u8, out _));
        Assert.Equal("", Read(program));
    }

    [SkippableFact]
    public void Terminal_without_a_program_has_ended()
    {
        using ExecStreams streams = Terminal();
        streams.ProgramEnds[0].Write("last words"u8);
        streams.CloseProgramEnds();
        Assert.Equal("last words", Read(streams.Output));
        Assert.Equal(Errno.EIO, streams.Output.TryRead(new byte[10], out _));
    }

    [Fact]
    public void Whatever_else_is_in_the_place_of_a_terminal_is_refused()
    {
        string folder = Directory.CreateTempSubdirectory("zeroos-ptmx").FullName;
        try
        {
            Directory.CreateDirectory(folder + "/dev/pts");
            using RootedDirectory root = new(folder);
            Assert.Throws<LinuxException>(() => ExecStreams.Terminal(root, new TerminalSize(80, 24), hasInput: true, 0));
            File.WriteAllText(folder + "/dev/pts/ptmx", "");
            Assert.Throws<LinuxException>(() => ExecStreams.Terminal(root, new TerminalSize(80, 24), hasInput: true, 0));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static ExecStreams Terminal()
    {
        Skip.IfNot(Environment.UserName == "root" && File.Exists("/dev/pts/ptmx"), "needs root and a devpts");
        using RootedDirectory root = new("/");
        return ExecStreams.Terminal(root, new TerminalSize(80, 24), hasInput: true, 33);
    }

    private static string Read(FileDescriptor descriptor)
    {
        byte[] buffer = new byte[100];
        Assert.True(Polling.IsReadable(descriptor, 20_000), "nothing came");
        return Encoding.ASCII.GetString(buffer, 0, descriptor.Read(buffer));
    }
}
