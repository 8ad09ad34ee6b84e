using ZeroOS.Images.Fetch;
using ZeroOS.Linux;
using ZeroOS.Linux.Security;
using ZeroOS.Tests.Linux.Security;

namespace ZeroOS.Tests.Images.Fetch;

public sealed class FetchCallsTests
{
    private const int Self = 1;
    private readonly SystemCallFilter _fetch = SystemCallFilter.Compile("fetch", FetchCalls.Registry(Self), OnForbidden.Report);
    private readonly SystemCallFilter _convert = SystemCallFilter.Compile("convert", FetchCalls.Convert(Self), OnForbidden.Report);

    [Theory]
    [InlineData(SystemCall.execve)]
    [InlineData(SystemCall.execveat)]
    [InlineData(SystemCall.fork)]
    [InlineData(SystemCall.ptrace)]
    [InlineData(SystemCall.listen)]
    [InlineData(SystemCall.accept4)]
    [InlineData(SystemCall.memfd_create)]
    [InlineData(SystemCall.io_uring_setup)]
    [InlineData(SystemCall.seccomp)]
    public void What_a_registry_or_an_image_that_took_it_over_would_want_is_forbidden(SystemCall call)
    {
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_fetch, call));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_convert, call));
    }

    [Fact]
    public void Only_internet_sockets_are_made_and_by_the_one_that_speaks_with_registries()
    {
        const ulong Unix = 1, Internet = 2, Netlink = 16, Packet = 17, Vsock = 40;
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_fetch, SystemCall.socket, Internet, 1, 0));
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_fetch, SystemCall.socket, Netlink, 3, 0));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_fetch, SystemCall.socket, Netlink, 3, 12));
        Assert.Equal(FilterMachine.Error(Errno.EACCES), FilterMachine.Run(_fetch, SystemCall.socket, Unix, 1, 0));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_fetch, SystemCall.socket, Packet, 3, 0));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_fetch, SystemCall.socket, Vsock, 1, 0));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_convert, SystemCall.socket, Internet, 1, 0));
        Assert.Equal(FilterMachine.Trap, FilterMachine.Run(_convert, SystemCall.connect));
    }

    [Fact]
    public void Files_are_read_by_one_and_by_the_other_not_at_all()
    {
        const ulong ReadOnly = 0x80000, ReadWrite = 2, Create = 0x41;
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_fetch, SystemCall.openat, 0, 0, ReadOnly));
        Assert.Equal(FilterMachine.Error(Errno.EROFS), FilterMachine.Run(_fetch, SystemCall.openat, 0, 0, ReadWrite));
        Assert.Equal(FilterMachine.Error(Errno.EROFS), FilterMachine.Run(_fetch, SystemCall.openat, 0, 0, Create));
        Assert.Equal(FilterMachine.Error(Errno.ENOENT), FilterMachine.Run(_convert, SystemCall.openat, 0, 0, ReadOnly));
    }

    [Fact]
    public void Memory_never_becomes_executable_or_shared()
    {
        FilterMachine.AssertMemoryIsPrivateData(_fetch);
        FilterMachine.AssertMemoryIsPrivateData(_convert);
    }

    [SkippableFact]
    [Trait("tier", "kernel")]
    public void A_planted_call_dies_and_which_call_it_was_is_said()
    {
        using SandboxProbe probe = SandboxProbe.Compile();
        probe.AssertForbidden(_fetch, SystemCall.socket, 17, 3);
        probe.AssertForbidden(_convert, SystemCall.socket, 2, 1);
        Assert.Equal((42, ""), probe.Call(_convert, SystemCall.openat, 0, 0));
    }
}
