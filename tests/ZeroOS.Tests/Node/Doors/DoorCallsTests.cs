using ZeroOS.Linux;
using ZeroOS.Linux.Security;
using ZeroOS.Node.Doors;
using ZeroOS.Tests.Linux.Security;

namespace ZeroOS.Tests.Node.Doors;

public sealed class DoorCallsTests
{
    private const int Self = 1;
    private readonly SystemCallFilter _door = SystemCallFilter.Compile("door", DoorCalls.Process(Self), OnForbidden.Report);

    [Theory]
    [InlineData(SystemCall.socket)]
    [InlineData(SystemCall.bind)]
    [InlineData(SystemCall.socketpair)]
    [InlineData(SystemCall.execve)]
    [InlineData(SystemCall.execveat)]
    [InlineData(SystemCall.fork)]
    [InlineData(SystemCall.ptrace)]
    [InlineData(SystemCall.io_uring_setup)]
    [InlineData(SystemCall.seccomp)]
    public void What_a_stranger_who_took_the_door_over_would_want_is_forbidden(SystemCall call) =>
    Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_door, call));

    [Fact]
    public void It_opens_nothing_and_no_memory_becomes_executable_or_shared()
    {
        Assert.Equal(FilterMachine.Error(Errno.ENOENT), FilterMachine.Run(_door, SystemCall.openat, 0, 0));
        Assert.Equal(FilterMachine.Error(Errno.EACCES), FilterMachine.Run(_door, SystemCall.connect, 0, 0));
        FilterMachine.AssertMemoryIsPrivateData(_door);
    }

    [Fact]
    public void Threads_begin_and_processes_do_not()
    {
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_door, SystemCall.clone, 0x3d0f00));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_door, SystemCall.clone, 0x11));
        Assert.Equal(FilterMachine.Error(Errno.ENOSYS), FilterMachine.Run(_door, SystemCall.clone3));
    }

    [SkippableFact]
    [Trait("tier", "kernel")]
    public void A_planted_call_dies_and_which_call_it_was_is_said_in_one_write()
    {
        using SandboxProbe probe = SandboxProbe.Compile();
        probe.AssertForbidden(_door, SystemCall.socket, 2, 1);
        probe.AssertForbidden(_door, SystemCall.bind, 0, 0);
        Assert.Equal((42, ""), probe.Call(_door, SystemCall.shutdown, 0, 1));
    }
}
