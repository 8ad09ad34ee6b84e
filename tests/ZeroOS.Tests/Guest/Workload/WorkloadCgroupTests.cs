using Xunit;

using ZeroOS.Guest.Workload;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Guest.Workload;

public sealed class WorkloadCgroupTests
{
    [Fact]
    public void Bounds_are_written_as_the_kernel_reads_them_and_none_is_not()
    {
        using TemporaryDirectory cgroup = new();
        File.WriteAllText(cgroup["pids.max"], "");
        File.WriteAllText(cgroup["cpu.max"], "");
        WorkloadCgroup.Limit(null, null, cgroup.Path);
        Assert.Equal(("", ""), (File.ReadAllText(cgroup["pids.max"]), File.ReadAllText(cgroup["cpu.max"])));
        WorkloadCgroup.Limit(200, 1500, cgroup.Path);
        Assert.Equal(("200", "150000 100000"), (File.ReadAllText(cgroup["pids.max"]), File.ReadAllText(cgroup["cpu.max"])));
    }
}
