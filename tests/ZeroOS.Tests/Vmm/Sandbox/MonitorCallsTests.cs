using Xunit;

using ZeroOS.Linux;
using ZeroOS.Linux.Security;
using ZeroOS.Tests.Linux.Abi;
using ZeroOS.Tests.Linux.Security;
using ZeroOS.Vmm.Kvm;
using ZeroOS.Vmm.Sandbox;

namespace ZeroOS.Tests.Vmm.Sandbox;

public class MonitorCallsTests
{
    private const int Self = 77;
    private readonly SystemCallFilter _process = SystemCallFilter.Compile("process", MonitorCalls.Process(Self), OnForbidden.Report);
    private readonly SystemCallFilter _processor = SystemCallFilter.Compile("processor", MonitorCalls.Processor(Self), OnForbidden.Report);

    [Theory]
    [InlineData(SystemCall.execve)]
    [InlineData(SystemCall.fork)]
    [InlineData(SystemCall.socket)]
    [InlineData(SystemCall.ptrace)]
    [InlineData(SystemCall.io_uring_setup)]
    [InlineData(SystemCall.io_uring_register)]
    public void What_a_guest_that_took_the_monitor_over_would_want_is_forbidden_everywhere(SystemCall call)
    {
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_process, call));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_processor, call));
    }

    [Fact]
    public void Memory_never_becomes_executable_or_shared()
    {
        FilterMachine.AssertMemoryIsPrivateData(_process);
        FilterMachine.AssertMemoryIsPrivateData(_processor);
    }

    [Fact]
    public void Threads_may_be_made_by_the_process_and_nothing_else_by_clone()
    {
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_process, SystemCall.clone, 0x3d0f00));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_process, SystemCall.clone, 0x11));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_process, SystemCall.clone, 0x3d0f00 | 0x10000000));
        Assert.Equal(FilterMachine.Error(Errno.ENOSYS), FilterMachine.Run(_process, SystemCall.clone3));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_processor, SystemCall.clone, 0x3d0f00));
    }

    [Fact]
    public void Of_KVM_only_what_a_running_machine_needs_is_left()
    {
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_processor, SystemCall.ioctl, 9, KvmAbi.RUN));
        foreach (nuint request in (nuint[])[KvmAbi.CREATE_VM, KvmAbi.SET_USER_MEMORY_REGION, KvmAbi.SET_REGS, KvmAbi.IRQFD, KvmAbi.SET_CPUID2])
        {
            Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_process, SystemCall.ioctl, 9, request));
            Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_processor, SystemCall.ioctl, 9, request));
        }
    }

    [Theory]
    [InlineData(SystemCall.sendmsg)]
    [InlineData(SystemCall.recvmsg)]
    [InlineData(SystemCall.socketpair)]
    [InlineData(SystemCall.io_uring_enter)]
    [InlineData(SystemCall.preadv)]
    [InlineData(SystemCall.seccomp)]
    [InlineData(SystemCall.close)]
    public void A_processors_thread_has_no_disks_and_no_sockets(SystemCall call) => Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_processor, call, 1));

    [Fact]
    public void Signals_go_to_this_process_only()
    {
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_process, SystemCall.tgkill, Self, 5, 35));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_process, SystemCall.tgkill, Self + 1, 5, 35));
    }

    [Fact]
    public void A_processors_thread_may_do_nothing_that_its_process_may_not()
    {
        foreach (SystemCallRule rule in MonitorCalls.Processor(Self))
            Assert.Contains(MonitorCalls.Process(Self), r => r.Call == rule.Call && r.Answer == rule.Answer);
    }

    [SkippableFact]
    [Trait("tier", "kernel")]
    public void A_planted_call_dies_and_which_call_it_was_is_said()
    {
        using SandboxProbe probe = SandboxProbe.Compile();
        probe.AssertForbidden(_process, SystemCall.socket, 2, 1);
        probe.AssertForbidden(_process, SystemCall.ioctl, 0, KvmAbi.CREATE_VM);
        probe.AssertForbidden(_processor, SystemCall.shutdown, 0, 1);
        Assert.Equal((42, ""), probe.Call(_process, SystemCall.shutdown, 0, 1));
        Assert.Equal((42, ""), probe.Call(_process, SystemCall.openat, 0, 0));
        Assert.Equal((SandboxProbe.DiedOfSIGSYS, ""), probe.Call(SystemCallFilter.Compile("killing", MonitorCalls.Process(Self), OnForbidden.Kill),
            SystemCall.socket, 2, 1));
    }

    [SkippableFact]
    [Trait("tier", "kernel")]
    public void Numbers_of_calls_are_those_of_the_c_headers() =>
        CCompiler.Hold(["sys/syscall.h"], Enum.GetValues<SystemCall>().Select(call => ($"SYS_{call}", (long)call)));
}
