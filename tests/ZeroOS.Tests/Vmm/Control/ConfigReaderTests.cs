using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Vmm.Control;

namespace ZeroOS.Tests.Vmm.Control;

public class ConfigReaderTests
{
    private static readonly VmConfig s_good = new()
    {
        Cpus = 1,
        MemoryBytes = 64 << 20,
        KernelDescriptor = 10,
        InitrdDescriptor = 11,
        CommandLine = "console=ttyS0",
        KvmDescriptor = 12,
        ControlDescriptor = 13,
        SerialDescriptor = 14,
        Disks = [new VmDisk { Serial = "root", Kind = VmDiskKind.Raw, Descriptor = 15 }],
        Nics = [new VmNic { TapDescriptor = 16, Mac = "02:00:00:00:00:01" }],
    };

    /// <summary>What is changed, how, and the word by which the refusal names it.</summary>
    public static TheoryData<string, string> Bounds =>
        new()
        {
            { "cpus 0", "cpus" }, { "cpus 9", "cpus" },
            { "memory 33554431", "memoryBytes" }, { "memory 31457280", "memoryBytes" }, { "memory 34603008", "memoryBytes" },
            { "memory 1099513724928", "memoryBytes" },
            { "line 2048", "commandLine" }, { "line zero", "commandLine" },
            { "disks 17", "disks" }, { "nics 9", "nics" }, { "cid 2", "guestCid" }, { "cid 4294967295", "guestCid" },
            { "kernel -1", "kernelDescriptor" }, { "kernel 11", "initrdDescriptor" }, { "kvm 13", "controlDescriptor" }, { "serial 13", "serialDescriptor" },
            { "disk serial ", "serial" }, { "disk serial 123456789012345678901", "serial" }, { "disk serial a b", "serial" }, { "disk serial ä", "serial" },
            { "disk twice", "serial" },
            { "disk 12", "descriptor" }, { "flist", "indexDescriptor" },
            { "mac 03:00:00:00:00:01", "mac" }, { "mac 02-00-00-00-00-01", "mac" }, { "mac 02:00:00:00:00", "mac" }, { "mtu 1279", "mtu" },
            { "mtu 65536", "mtu" }, { "tap -2", "tapDescriptor" },
        };

    [Fact]
    public void What_is_at_its_bounds_is_taken()
    {
        VmConfig c = s_good with
        {
            Cpus = 8,
            MemoryBytes = 1L << 40,
            CommandLine = new string('x', 2047),
            Disks = [.. Enumerable.Range(0, 16).Select(i => new VmDisk { Serial = $"{i:d20}", Kind = VmDiskKind.Raw, Descriptor = 100 + i })],
            Nics = [.. Enumerable.Range(0, 8).Select(i => new VmNic { TapDescriptor = 200 + i, Mac = "02:00:00:00:00:01", Mtu = 65535 })],
            GuestCid = uint.MaxValue - 1,
            SerialDescriptor = -1,
        };
        Assert.Equal(16, Read(JsonSerializer.Serialize(c, MonitorJson.Default.VmConfig)).Disks.Count);
    }

    [Theory]
    [MemberData(nameof(Bounds))]
    public void What_is_beyond_is_refused_by_its_name(string change, string name)
    {
        ConfigException e = Assert.Throws<ConfigException>(() => ConfigReader.Check(Change(change)));
        Assert.Contains(name, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"cpus":1}""")]
    [InlineData("""{"cpus":"one"}""")]
    public void What_is_no_configuration_is_refused_with_a_sentence(string text) =>
    Assert.Contains("configuration", Assert.Throws<ConfigException>(() => Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_member_that_is_not_of_the_contract_is_refused() =>
        Assert.Throws<ConfigException>(() => Read(JsonSerializer.Serialize(s_good, MonitorJson.Default.VmConfig)
            .Replace("{\"cpus\"", "{\"spare\":1,\"cpus\"", StringComparison.Ordinal)));

    [Fact]
    public void A_pipe_is_read_to_its_end()
    {
        (FileDescriptor read, FileDescriptor write) = Pipe.Make();
        write.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(s_good, MonitorJson.Default.VmConfig)));
        write.Dispose();
        using (read)
            Assert.Equal(1, ConfigReader.Read(read).Cpus);
    }

    [Fact]
    public void Ten_thousand_mutations_are_refused_or_taken_and_nothing_else() => Fuzz.ConfigFuzz.Run(7, 10_000);

    private static VmConfig Read(string text)
    {
        using FileDescriptor file = FileDescriptor.Memory("config");
        file.WriteAt(Encoding.UTF8.GetBytes(text), 0);
        return ConfigReader.Read(file);
    }

    private static VmConfig Change(string change)
    {
        string value = change[(change.LastIndexOf(' ') + 1)..];
        VmDisk disk = s_good.Disks[0];
        VmNic nic = s_good.Nics[0];
        return change switch
        {
            _ when change.StartsWith("cpus", StringComparison.Ordinal) => s_good with { Cpus = Number(value) },
            _ when change.StartsWith("memory", StringComparison.Ordinal) => s_good with { MemoryBytes = long.Parse(value, null) },
            "line zero" => s_good with { CommandLine = "a\0b" },
            _ when change.StartsWith("line", StringComparison.Ordinal) => s_good with { CommandLine = new string('x', Number(value)) },
            _ when change.StartsWith("disks", StringComparison.Ordinal) => s_good with { Disks = [.. Enumerable.Repeat(disk, Number(value))] },
            _ when change.StartsWith("nics", StringComparison.Ordinal) => s_good with { Nics = [.. Enumerable.Repeat(nic, Number(value))] },
            _ when change.StartsWith("cid", StringComparison.Ordinal) => s_good with { GuestCid = uint.Parse(value, null) },
            _ when change.StartsWith("kernel", StringComparison.Ordinal) => s_good with { KernelDescriptor = Number(value) },
            _ when change.StartsWith("kvm", StringComparison.Ordinal) => s_good with { KvmDescriptor = Number(value) },
            _ when change.StartsWith("serial", StringComparison.Ordinal) => s_good with { SerialDescriptor = Number(value) },
            _ when change.StartsWith("disk serial", StringComparison.Ordinal) =>
                s_good with { Disks = [disk with { Serial = change["disk serial ".Length..] }] },
            "disk twice" => s_good with { Disks = [disk, disk with { Descriptor = 20 }] },
            _ when change.StartsWith("disk", StringComparison.Ordinal) => s_good with { Disks = [disk with { Descriptor = Number(value) }] },
            "flist" => s_good with { Disks = [disk with { Kind = VmDiskKind.Flist }] },
            _ when change.StartsWith("mac", StringComparison.Ordinal) => s_good with { Nics = [nic with { Mac = value }] },
            _ when change.StartsWith("mtu", StringComparison.Ordinal) => s_good with { Nics = [nic with { Mtu = Number(value) }] },
            _ => s_good with { Nics = [nic with { TapDescriptor = Number(value) }] },
        };
    }

    private static int Number(string value) => int.Parse(value, null);
}
