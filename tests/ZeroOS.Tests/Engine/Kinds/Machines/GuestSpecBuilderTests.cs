using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Linux;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

public sealed class GuestSpecBuilderTests
{
    private static readonly ImageConfig s_image = new()
    {
        Entrypoint = ["/entry", "-x"],
        Cmd = ["serve"],
        Env = ["PATH=/bin", "MODE=image", "TWICE=1", "TWICE=2", "BARE"],
        User = "app",
        WorkingDir = "srv",
        StopSignal = "SIGQUIT",
    };

    [Fact]
    public void The_image_decides_what_the_deployment_leaves_open()
    {
        GuestProcess process = GuestSpecBuilder.Merge(Data(), s_image);
        Assert.Equal(["/entry", "-x", "serve"], process.Arguments);
        Assert.Equal(["PATH=/bin", "MODE=image", "TWICE=2", "BARE="], process.Environment);
        Assert.Equal(("app", "/srv", "SIGQUIT"), (process.User, process.WorkingDirectory, process.StopSignal));
    }

    [Fact]
    public void An_entrypoint_drops_the_images_command_and_args_replace_it()
    {
        Assert.Equal(["/mine"], GuestSpecBuilder.Merge(Data() with { Entrypoint = ["/mine"] }, s_image).Arguments);
        Assert.Equal(["/mine", "a"], GuestSpecBuilder.Merge(Data() with { Entrypoint = ["/mine"], Args = ["a"] }, s_image).Arguments);
        Assert.Equal(["/entry", "-x", "a"], GuestSpecBuilder.Merge(Data() with { Args = ["a"] }, s_image).Arguments);
        Assert.Equal(["/entry", "-x"], GuestSpecBuilder.Merge(Data() with { Args = [] }, s_image).Arguments);
    }

    [Fact]
    public void Variables_are_merged_by_name_in_their_place_and_new_ones_follow()
    {
        GuestProcess process = GuestSpecBuilder.Merge(Data() with
        {
            Env = new Dictionary<string, string> { ["Z"] = "1", ["MODE"] = "mine", ["A"] = "x=y" },
            User = "0:0",
            Workdir = "/w",
            Stop = new StopPolicy { Signal = "TERM" }
        }, s_image);
        Assert.Equal(["PATH=/bin", "MODE=mine", "TWICE=2", "BARE=", "A=x=y", "Z=1"], process.Environment);
        Assert.Equal(("0:0", "/w", "SIGTERM"), (process.User, process.WorkingDirectory, process.StopSignal));
    }

    [Fact]
    public void A_hostile_or_empty_config_fails_for_good()
    {
        Assert.Equal(("no-command", true), Failure(new ImageConfig()));
        Assert.Equal(("image-invalid", true), Failure(s_image with { Cmd = ["a\0b"] }));
        Assert.Equal(("image-invalid", true), Failure(s_image with { StopSignal = "SIGNOTHING" }));
        WorkloadException large = Assert.Throws<WorkloadException>(() =>
            GuestSpecBuilder.Build(new WorkloadId("t", "shop", "web"), TestNames.Names, Data(),
                s_image with { Env = [new string('x', 300_000)] }, [], [], default));
        Assert.Equal(("spec-too-large", true), (large.Reason, large.Permanent));

        static (string, bool) Failure(ImageConfig image)
        {
            WorkloadException e = Assert.Throws<WorkloadException>(() => GuestSpecBuilder.Merge(Data(), image));
            return (e.Reason, e.Permanent);
        }
    }

    [Fact]
    public void Disks_cards_and_hosts_are_named_and_only_the_first_card_leads_out()
    {
        using FileDescriptor tap = FileDescriptor.Memory("tap");
        MachineNic one = new(tap, "02:00:00:00:00:01", "10.1.0.2/24", "10.1.0.1", 1450, ["10.1.0.1"]),
            two = new(tap, "02:00:00:00:00:02", "10.2.0.2/24", "10.2.0.1", 1500, ["10.2.0.1"]);
        WorkloadId id = new("t", "shop", "web");
        GuestSpec spec = GuestSpecBuilder.Build(id, TestNames.Names,
            Data() with { Mounts = [new MachineMount { Volume = "data", Path = "/d", ReadOnly = true }] }, s_image, [one, two],
            ["10.1.0.3 db"],
            DateTimeOffset.UnixEpoch.AddSeconds(1));
        Assert.Equal(["10.1.0.3 db"], spec.Hosts);
        Assert.Equal(["10.1.0.1"], spec.Resolvers);
        Assert.Equal(["10.1.0.1", null], spec.Nics.Select(n => n.Gateway));
        Assert.Equal(TestNames.Names.SerialOf(id with { Name = "data" }), Assert.Single(spec.Mounts).Disk);
        Assert.Equal(1_000_000_000, spec.UnixTimeNs);
        Assert.Equal(3, new HashSet<string> { spec.RootDisk, spec.WritableDisk, spec.Mounts[0].Disk }.Count);
    }

    private static ZmachineData Data() =>
        new() { Flist = new FlistReference { Reference = "r/i", Digest = EngineBench.Digest('a') }, Memory = new ByteSize(64L << 20) };
}
