using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Kinds.Machines;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

public sealed class MachineInsideValidatorTests
{
    [Fact]
    public void What_docker_users_write_is_valid() => MachineInsideValidator.Check("data", Data() with
    {
        Cpu = 2,
        CapAdd = ["NET_ADMIN", "cap_sys_ptrace"],
        CapDrop = ["ALL"],
        ReadOnlyRoot = true,
        Tmpfs = [new MachineTmpfs { Path = "/run", Size = new ByteSize(64 << 20), Mode = "1777", Options = ["rw", "exec", "uid=33"] }],
        Shm = new ByteSize(1L << 30),
        Ulimits = [new MachineUlimit { Name = "nofile", Soft = 1024, Hard = 1_048_576 }, new MachineUlimit { Name = "memlock", Soft = -1, Hard = -1 }],
        Sysctls = new Dictionary<string, string> { ["net.ipv4.ip_local_port_range"] = "1024\t65000", ["net.ipv4.conf.eth0/1.forwarding"] = "1" },
        Init = true,
        Pids = 200,
        CpuQuota = 1500,
    });

    [Theory]
    [InlineData("kernel.core_pattern")]     // a program that the guest's own root would run
    [InlineData("kernel.modprobe")]
    [InlineData("net")]
    [InlineData("net.")]
    [InlineData("net..core")]
    [InlineData("net./../vm.x")]
    [InlineData("net.../sys")]
    [InlineData("/net.core")]
    [InlineData("vm.Swappiness")]
    [InlineData("vm.a b")]
    public void A_setting_that_is_not_the_machines_is_refused(string name) =>
        Refused("data.sysctls", Data() with { Sysctls = new Dictionary<string, string> { [name] = "1" } });

    [Theory]
    [InlineData("file", 1, 1, "name")]
    [InlineData("", 1, 1, "name")]
    [InlineData("as", 1, 1, "name")]
    [InlineData("core", 2, 1, "soft")]
    [InlineData("core", -1, 1, "soft")]
    [InlineData("core", -2, -1, "soft")]
    [InlineData("core", 0, -2, "hard")]
    [InlineData("nofile", 1, -1, "hard")]
    [InlineData("nofile", 1, 1_048_577, "hard")]
    public void A_limit_that_the_kernel_would_refuse_is_refused(string name, long soft, long hard, string field) =>
        Refused($"data.ulimits[0].{field}", Data() with { Ulimits = [new MachineUlimit { Name = name, Soft = soft, Hard = hard }] });

    [Fact]
    public void Each_word_has_its_bound()
    {
        Refused("data.capAdd[1]", Data() with { CapAdd = ["ALL", "CAP_"] });
        Refused("data.capDrop[0]", Data() with { CapDrop = ["NET"] });
        Refused("data.capDrop", Data() with { Privileged = true, CapDrop = ["ALL"] });
        Refused("data.capAdd", Data() with { CapAdd = [.. Enumerable.Repeat("KILL", 65)] });
        Refused("data.shm", Data() with { Shm = new ByteSize(4095) });
        Refused("data.shm", Data() with { Shm = new ByteSize((1L << 40) + 1) });
        Refused("data.pids", Data() with { Pids = 0 });
        Refused("data.cpuQuota", Data() with { CpuQuota = 9 });
        Refused("data.cpuQuota", Data() with { CpuQuota = 1001 });
        Refused("data.ulimits[1].name", Data() with
        {
            Ulimits = [new MachineUlimit { Name = "core", Soft = 0, Hard = 0 }, new MachineUlimit { Name = "core", Soft = 1, Hard = 1 }]
        });
        Refused("data.sysctls", Data() with { Sysctls = Enumerable.Range(0, 65).ToDictionary(i => $"net.n{i}", _ => "1") });
        Refused("data.sysctls.vm.x", Data() with { Sysctls = new Dictionary<string, string> { ["vm.x"] = "" } });
        Refused("data.sysctls.vm.x", Data() with { Sysctls = new Dictionary<string, string> { ["vm.x"] = "1\n2" } });
    }

    [Fact]
    public void A_file_system_in_memory_has_a_place_of_its_own_and_known_options()
    {
        Refused("data.tmpfs[0].path", Tmpfs(new MachineTmpfs { Path = "/dev/shm" }));
        Refused("data.tmpfs[0].path", Tmpfs(new MachineTmpfs { Path = "/" }));
        Refused("data.tmpfs[0].path", Tmpfs(new MachineTmpfs { Path = "/run/../etc" }));
        Refused("data.tmpfs[0].path", Tmpfs(new MachineTmpfs { Path = "/data" }) with { Mounts = [new MachineMount { Volume = "data", Path = "/data" }] });
        Refused("data.tmpfs[1].path", Tmpfs(new MachineTmpfs { Path = "/run" }, new MachineTmpfs { Path = "/run" }));
        Refused("data.tmpfs[0].size", Tmpfs(new MachineTmpfs { Path = "/run", Size = new ByteSize(1) }));
        Refused("data.tmpfs[0].mode", Tmpfs(new MachineTmpfs { Path = "/run", Mode = "1788" }));
        Refused("data.tmpfs[0].mode", Tmpfs(new MachineTmpfs { Path = "/run", Mode = "0,size=1" }));
        foreach (string option in (string[])["size=1", "mpol=bind", "uid=", "uid=-1", "uid=1,size=1", "bind", ""])
            Refused("data.tmpfs[0].options[0]", Tmpfs(new MachineTmpfs { Path = "/run", Options = [option] }));
        Refused("data.tmpfs[0].options", Tmpfs(new MachineTmpfs { Path = "/run", Options = [.. Enumerable.Repeat("rw", 17)] }));
        Refused("data.tmpfs", Tmpfs([.. Enumerable.Range(0, 17).Select(i => new MachineTmpfs { Path = $"/t{i}" })]));
    }

    private static ZmachineData Tmpfs(params MachineTmpfs[] all) => Data() with { Tmpfs = all };

    private static void Refused(string path, ZmachineData data) =>
        Assert.Equal(path, Assert.Throws<BusErrorException>(() => MachineInsideValidator.Check("data", data)).Error.Path);

    private static ZmachineData Data() => new() { Flist = new FlistReference { Reference = "r/i", Digest = EngineBench.Digest('a') } };
}
