using System.Security.Cryptography;
using System.Text;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

public sealed class MachineFingerprintTests
{
    /// <summary>A node of a newer version must not restart what an older one started.</summary>
    [Fact]
    public void A_machine_that_says_nothing_of_the_inside_has_the_fingerprint_it_always_had()
    {
        string json = $$$"""
            {"flist":{"reference":"","digest":"{{{EngineBench.Digest('a')}}}"},"cpu":1,"memory":67108864,"rootfs":1073741824,"env":{},"mounts":[],"networks":[],
            "publish":[],"restart":"always","stop":{"timeout":"10s"}}
            """.ReplaceLineEndings("");
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json)).AsSpan(0, 16)), Of(s_plain));
    }

    [Fact]
    public void Labels_are_not_part_of_it_and_every_other_word_is()
    {
        Assert.Equal(Of(s_plain), Of(s_plain with { Labels = new Dictionary<string, string> { ["a"] = "b" } }));
        string[] others =
        [
            Of(s_plain with { Hostname = "h" }), Of(s_plain with { ExtraHosts = ["a:1.2.3.4"] }), Of(s_plain with { Dns = new MachineDns { Search = ["."] } }),
            Of(s_plain with { Groups = ["1"] }), Of(s_plain with { CapAdd = ["KILL"] }), Of(s_plain with { CapDrop = ["KILL"] }),
            Of(s_plain with { Privileged = true }), Of(s_plain with { ReadOnlyRoot = true }), Of(s_plain with { Tmpfs = [new MachineTmpfs { Path = "/run" }] }),
            Of(s_plain with { Shm = new ByteSize(4096) }), Of(s_plain with { Ulimits = [new MachineUlimit { Name = "core", Soft = 0, Hard = 0 }] }),
            Of(s_plain with { Sysctls = new Dictionary<string, string> { ["vm.x"] = "1" } }), Of(s_plain with { Init = true }), Of(s_plain with { Pids = 1 }),
            Of(s_plain with { Tty = true }), Of(s_plain with { Stdin = true }), Of(s_plain with { Tty = true, Stdin = true }),
            Of(s_plain with { CpuQuota = 500 }), Of(s_plain with { Files = [new MachineFile { Path = "/a", Content = "" }] }),
            Of(s_plain with { Files = [new MachineFile { Path = "/a", Content = "b" }] }),
        ];
        Assert.Equal(others.Length, others.Append(Of(s_plain)).Distinct().Count() - 1);
    }

    [Fact]
    public void The_order_of_a_map_means_nothing() => Assert.Equal(
        Of(s_plain with { Sysctls = new Dictionary<string, string> { ["vm.x"] = "1", ["net.x"] = "2" } }),
        Of(s_plain with { Sysctls = new Dictionary<string, string> { ["net.x"] = "2", ["vm.x"] = "1" } }));

    private static readonly ZmachineData s_plain = new()
    {
        Flist = new FlistReference { Reference = "r/i", Digest = EngineBench.Digest('a') },
        Memory = new ByteSize(64L << 20),
    };

    private static string Of(ZmachineData data)
    {
        ZmachineWorkload machine = new() { Name = "web", Data = data };
        return MachineFingerprint.Of(new WorkloadId("t", "shop", "web"), machine, new Dictionary<string, uint>(), new Dictionary<WorkloadId, Workload>());
    }
}
