using Xunit;

using ZeroOS.Guest.Workload;

namespace ZeroOS.Tests.Guest.Workload;

public sealed class SignalNameTests
{
    [Theory]
    [InlineData("SIGTERM", 15)]
    [InlineData("SIGQUIT", 3)]
    [InlineData("term", 15)]
    [InlineData("USR2", 12)]
    [InlineData("SIGSYS", 31)]
    [InlineData("28", 28)]
    [InlineData("SIGRTMIN+3", 37)]
    [InlineData("SIGRTMIN+99", 15)]
    [InlineData("65", 15)]
    [InlineData("0", 15)]
    [InlineData("SIG", 15)]
    [InlineData("nonsense", 15)]
    [InlineData(null, 15)]
    public void A_name_or_number_is_its_signal_and_anything_else_is_terminate(string? text, int signal) => Assert.Equal(signal, SignalName.Parse(text));
}
