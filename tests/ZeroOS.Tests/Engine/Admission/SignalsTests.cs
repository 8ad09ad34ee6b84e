using Xunit;

using ZeroOS.Engine.Admission;
using ZeroOS.Guest.Workload;

namespace ZeroOS.Tests.Engine.Admission;

public sealed class SignalsTests
{
    [Theory]
    [InlineData("SIGTERM", "SIGTERM", 15)]
    [InlineData("quit", "SIGQUIT", 3)]
    [InlineData("usr1", "SIGUSR1", 10)]
    [InlineData("SigInt", "SIGINT", 2)]
    [InlineData("3", "3", 3)]
    [InlineData("SIGRTMIN+3", "SIGRTMIN+3", 37)]
    [InlineData("RTMIN", "SIGRTMIN", 34)]
    [InlineData("rtmax", "SIGRTMIN+30", 64)]
    [InlineData("SIGRTMAX-14", "SIGRTMIN+16", 50)]
    [InlineData("SIGCLD", "SIGCHLD", 17)]
    public void Signal_as_docker_reads_it_is_the_one_that_the_guest_sends(string text, string expected, int number)
    {
        Assert.True(Signals.TryNormalise(text, out string signal));
        Assert.Equal(expected, signal);
        Assert.Equal(number, SignalName.Parse(signal));
        Assert.Equal(number, Signals.Number(signal));
    }

    [Fact]
    public void Node_and_guest_count_every_signal_alike()
    {
        string[] names = ["HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD",
            "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS"];
        foreach (string text in names.Concat(Enumerable.Range(0, 31).Select(n => $"RTMIN+{n}")).Concat(Enumerable.Range(1, 64).Select(n => $"{n}")))
        {
            Assert.True(Signals.TryNormalise(text, out string signal), text);
            Assert.Equal(SignalName.Parse(signal), Signals.Number(signal));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("SIG")]
    [InlineData("NONE")]
    [InlineData("0")]
    [InlineData("65")]
    [InlineData("-1")]
    [InlineData("003")]
    [InlineData("SIGRTMIN+31")]
    [InlineData("SIGRTMIN-1")]
    [InlineData("SIGRTMIN+")]
    [InlineData("SIGRTMAX+1")]
    [InlineData("SIGRTMIN+ 3")]
    public void Text_that_names_no_signal_is_refused(string text) => Assert.False(Signals.TryNormalise(text, out _));
}
