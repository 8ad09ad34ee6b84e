using Xunit;

using ZeroOS.Contracts.Init;
using ZeroOS.Init.Jail;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Init.Jail;

public sealed class JailSpecTests
{
    [Fact]
    public void A_spec_survives_the_command_line()
    {
        JailSpec spec = new()
        {
            ControlGroup = "/sys/fs/cgroup/zeroos/vm-1",
            Unshare = Namespaces.Mounts | Namespaces.Network,
            Root = JailRoot.Network,
            Uid = 100_007,
            Gid = 990,
            Capabilities = Jails.NodeCapabilities,
            OpenFiles = 77,
            LockedMemory = 1 << 20,
            FileBytes = 1 << 30,
            OutOfMemoryScore = -900,
            Descriptors = 12,
            Environment = ["HOME=/", "A=b=c"],
            Arguments = ["zvmm", "10", "--"],
        };
        JailSpec read = JailSpec.Parse([.. spec.ToArguments().Skip(1)]);
        Assert.Equal(spec.Environment, read.Environment);
        Assert.Equal(spec.Arguments, read.Arguments);
        Assert.True(EqualButLists(spec, read));
    }

    [Theory]
    [InlineData("--uid=1")]
    [InlineData("--uid=-1", "--", "x")]
    [InlineData("--uid", "--", "x")]
    [InlineData("--shell=yes", "--", "x")]
    [InlineData("--uid=1", "--")]
    public void What_is_not_understood_is_refused(params string[] arguments) => Assert.Throws<FormatException>(() => JailSpec.Parse(arguments));

    [Theory]
    [InlineData(JailedProgram.Monitor)]
    [InlineData(JailedProgram.Fetch)]
    [InlineData(JailedProgram.Convert)]
    public void No_program_the_node_may_ask_for_keeps_a_capability_or_the_nodes_files(JailedProgram program)
    {
        JailSpec spec = Jails.Of(program).Spec;
        Assert.Equal(0UL, spec.Capabilities.Bits);
        Assert.NotEqual(JailRoot.Shared, spec.Root);
        Assert.True(spec.Unshare.HasFlag(Namespaces.Mounts | Namespaces.Ipc | Namespaces.Names | Namespaces.Cgroup));
        Assert.Equal(program != JailedProgram.Fetch, spec.Unshare.HasFlag(Namespaces.Network));
        Assert.True(Jails.Of(program).OwnProcessIds);
        Assert.True(Jails.Of(program).CpuWeight < Jails.Node.CpuWeight && Jails.Of(program).IoWeight < Jails.Node.IoWeight);
        Assert.True(spec.FileBytes is 0 || Jails.Of(program).MostFileBytes is > 0);
    }

    private static bool EqualButLists(JailSpec a, JailSpec b)
        => (a.ControlGroup, a.Unshare, a.Root, a.Uid, a.Gid, a.Capabilities, a.OpenFiles, a.LockedMemory, a.FileBytes, a.OutOfMemoryScore, a.Descriptors)
            .Equals((b.ControlGroup, b.Unshare, b.Root, b.Uid, b.Gid, b.Capabilities, b.OpenFiles, b.LockedMemory, b.FileBytes,
                b.OutOfMemoryScore, b.Descriptors));
}
