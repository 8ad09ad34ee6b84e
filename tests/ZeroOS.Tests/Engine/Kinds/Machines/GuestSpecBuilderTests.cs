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
    public void Terminal_and_input_are_the_deployments()
    {
        GuestProcess none = GuestSpecBuilder.Merge(Data(), s_image), both = GuestSpecBuilder.Merge(Data() with { Tty = true, Stdin = true }, s_image);
        Assert.Equal((false, false, true, true), (none.Tty, none.Stdin, both.Tty, both.Stdin));
    }

    [Fact]
    public void A_hostile_or_empty_config_fails_for_good()
    {
        Assert.Equal(("no-command", true), Failure(new ImageConfig()));
        Assert.Equal(("image-invalid", true), Failure(s_image with { Cmd = ["a\0b"] }));
        Assert.Equal(("image-invalid", true), Failure(s_image with { StopSignal = "SIGNOTHING" }));
        WorkloadException large = Assert.Throws<WorkloadException>(() =>
            GuestSpecBuilder.Build(new WorkloadId("t", "shop", "web"), TestNames.Names, Data(),
                s_image with { Env = [new string('x', 700_000)] }, [], [], default));
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
        MachineNic one = new(tap, "02:00:00:00:00:01", "10.1.0.2/24", "10.1.0.1", true, 1450, ["10.1.0.1"]),
            two = new(tap, "02:00:00:00:00:02", "10.2.0.2/24", "10.2.0.1", true, 1500, ["10.2.0.1"]);
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

    [Fact]
    public void The_first_card_that_is_not_internal_leads_out()
    {
        using FileDescriptor tap = FileDescriptor.Memory("tap");
        MachineNic inside = new(tap, "02:00:00:00:00:01", "10.1.0.2/24", "10.1.0.1", false, 1500, []),
            outside = new(tap, "02:00:00:00:00:02", "10.2.0.2/24", "10.2.0.1", true, 1500, ["10.2.0.1"]);
        ZmachineData data = Data() with { ExtraHosts = ["out:host-gateway"] };
        GuestSpec both = Build(data, inside, outside), closed = Build(data, inside);
        Assert.Equal([null, "10.2.0.1"], both.Nics.Select(n => n.Gateway));
        Assert.Equal(("10.2.0.1", "10.2.0.1 out"), (Assert.Single(both.Resolvers), Assert.Single(both.Hosts)));
        Assert.Null(Assert.Single(closed.Nics).Gateway);
        Assert.Empty(closed.Resolvers);
        Assert.Equal("10.1.0.1 out", Assert.Single(closed.Hosts));
    }

    [Fact]
    public void What_the_deployment_says_of_the_inside_is_resolved()
    {
        using FileDescriptor tap = FileDescriptor.Memory("tap");
        MachineNic nic = new(tap, "02:00:00:00:00:01", "10.1.0.2/24", "10.1.0.1", true, 1450, ["10.1.0.1"]);
        GuestSpec plain = Build(Data(), nic), told = Build(Data() with
        {
            Hostname = "www",
            ExtraHosts = ["db:10.9.9.9", "six:[::1]", "out:host-gateway"],
            Dns = new MachineDns { Servers = ["1.1.1.1"], Search = ["."], Options = ["ndots:2"] },
            Groups = ["44"],
            CapDrop = ["ALL"],
            CapAdd = ["CHOWN"],
            ReadOnlyRoot = true,
            Tmpfs = [new MachineTmpfs { Path = "/run", Size = new ByteSize(4096), Mode = "700", Options = ["exec", "ro", "rw", "uid=33"] }],
            Shm = new ByteSize(1 << 20),
            Ulimits = [new MachineUlimit { Name = "memlock", Soft = 1, Hard = -1 }],
            Sysctls = new Dictionary<string, string> { ["vm.swappiness"] = "1" },
            Init = true,
            Pids = 10,
            CpuQuota = 500,
        }, nic);
        Assert.Equal(("web", "10.1.0.1", 64L << 20), (plain.Hostname, plain.Resolvers[0], plain.ShmBytes));
        Assert.Equal(GuestProcess.DefaultCapabilities, plain.Process.Capabilities);
        Assert.Equal(("www", "1.1.1.1", "ndots:2", 1L << 20), (told.Hostname, told.Resolvers[0], told.ResolverOptions[0], told.ShmBytes));
        Assert.Empty(told.Search);
        Assert.Equal(["10.9.9.9 db", "::1 six", "10.1.0.1 out"], told.Hosts);
        Assert.Equal((1UL, "44", true), (told.Process.Capabilities, told.Process.Groups[0], told.Process.Init));
        Assert.Equal(new GuestLimit { Resource = 8, Soft = 1, Hard = -1 }, Assert.Single(told.Process.Limits));
        GuestTmpfs tmpfs = Assert.Single(told.Tmpfs);
        Assert.Equal(("/run", "size=4096,mode=700,uid=33"), (tmpfs.Path, tmpfs.Options));
        Assert.Equal(["nodev", "nosuid"], tmpfs.Flags);
        Assert.Equal(("1", true, 10, 500), (told.Sysctls["vm.swappiness"], told.ReadOnlyRoot, told.Pids, told.CpuQuota));
    }

    private static GuestSpec Build(ZmachineData data, params MachineNic[] nics) =>
        GuestSpecBuilder.Build(new WorkloadId("t", "shop", "web"), TestNames.Names, data, s_image, nics, [], DateTimeOffset.UnixEpoch);

    private static ZmachineData Data() =>
        new() { Flist = new FlistReference { Reference = "r/i", Digest = EngineBench.Digest('a') }, Memory = new ByteSize(64L << 20) };
}
