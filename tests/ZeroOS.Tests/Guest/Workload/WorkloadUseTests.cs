using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Workload;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Guest.Workload;

/// <summary>What zguest reads of the workload's cgroup; files as the kernel writes them stand for it.</summary>
public sealed class WorkloadUseTests : IDisposable
{
    private readonly TemporaryDirectory _cgroup = new();

    public void Dispose() => _cgroup.Dispose();

    [Fact]
    public void Processes_and_pressure_are_read_as_the_kernel_writes_them()
    {
        Write("pids.current", "17\n");
        Write("pids.max", "100\n");
        Write("cpu.pressure", "some avg10=12.34 avg60=1.00 avg300=0.00 total=99\nfull avg10=99.00 avg60=0.00 avg300=0.00 total=0\n");
        Write("memory.pressure", "some avg10=0.00 avg60=50.00 avg300=0.00 total=1\n");
        Write("io.pressure", "some avg10=100.00 avg60=0.00 avg300=0.00 total=1\n");
        Assert.Equal(new GuestUse { Pids = 17, PidsLimit = 100, CpuPressurePer10000 = 1_234, MemoryPressurePer10000 = 0, IoPressurePer10000 = 10_000 }, Read());
    }

    [Fact]
    public void What_the_kernel_does_not_say_is_left_out()
    {
        Assert.Equal(new GuestUse(), Read());
        Write("pids.max", "max\n");
        Write("cpu.pressure", "");
        Write("memory.pressure", "some avg60=1.00\n");
        Write("io.pressure", "some avg10=much avg60=1.00\n");
        Assert.Equal(new GuestUse(), Read());
        Write("io.pressure", "some avg10=100.01 avg60=1.00\n");
        Assert.Equal(10_000, Read().IoPressurePer10000);
    }

    private GuestUse Read() => WorkloadUse.Read(_cgroup.Path);

    private void Write(string name, string text) => File.WriteAllText(_cgroup[name], text);
}
