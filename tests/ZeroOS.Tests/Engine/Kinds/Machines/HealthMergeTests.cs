using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

public sealed class HealthMergeTests
{
    private static readonly ImageConfig s_plain = new(), s_image = new()
    {
        Shell = ["/bin/ash", "-ec"],
        Health = new ImageHealth { Command = ["check"], IntervalMs = 7_000, Retries = 9 },
    };

    [Fact]
    public void Nobody_asks_when_neither_says_anything_or_the_deployment_says_none()
    {
        Assert.Null(HealthMerge.Merge(null, s_plain));
        Assert.Null(HealthMerge.Merge(new HealthCheck { None = true }, s_image));
    }

    [Fact]
    public void Image_decides_what_the_deployment_leaves_open_and_docker_the_rest()
    {
        Assert.Equal((7_000, 30_000, 9, 0, 5_000), Times(HealthMerge.Merge(null, s_image)!));
        GuestHealth merged = HealthMerge.Merge(new HealthCheck { Interval = "1m", StartPeriod = "2s" }, s_image)!;
        Assert.Equal(["check"], merged.Arguments!);
        Assert.Equal((60_000, 30_000, 9, 2_000, 5_000), Times(merged));
        Assert.Equal((30_000, 30_000, 3, 0, 5_000), Times(HealthMerge.Merge(new HealthCheck { Command = ["mine"] }, s_plain)!));
    }

    [Fact]
    public void Deployments_way_of_asking_replaces_the_images()
    {
        Assert.Equal(["mine"], HealthMerge.Merge(new HealthCheck { Command = ["mine"] }, s_image)!.Arguments!);
        Assert.Equal(["/bin/ash", "-ec", "a && b"], HealthMerge.Merge(new HealthCheck { Shell = "a && b" }, s_image)!.Arguments!);
        Assert.Equal(["/bin/sh", "-c", "a"], HealthMerge.Merge(new HealthCheck { Shell = "a" }, s_plain)!.Arguments!);
        GuestHealth tcp = HealthMerge.Merge(new HealthCheck { Tcp = new TcpCheck { Port = 5432 } }, s_image)!;
        Assert.Equal((null, 5432, 7_000), (tcp.Arguments, tcp.Tcp!.Port, tcp.IntervalMs));
        Assert.Equal("/up", HealthMerge.Merge(new HealthCheck { Http = new HttpCheck { Port = 80, Path = "/up" } }, s_image)!.Http!.Path);
    }

    [Fact]
    public void Deployment_that_speaks_of_a_check_the_image_has_not_fails_for_good()
    {
        WorkloadException e = Assert.Throws<WorkloadException>(() => HealthMerge.Merge(new HealthCheck { Interval = "5s" }, s_plain));
        Assert.Equal(("no-health-check", true), (e.Reason, e.Permanent));
    }

    private static (int, int, int, int, int) Times(GuestHealth health) =>
        (health.IntervalMs, health.TimeoutMs, health.Retries, health.StartPeriodMs, health.StartIntervalMs);
}
