using System.Diagnostics;

using Xunit;

using ZeroOS.Tests.Shared;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Boot;

namespace ZeroOS.Tests.Vmm.Boot;

public class AcpiTablesTests
{
    [Fact]
    public void Every_table_sums_to_zero()
    {
        foreach (byte[] table in new[] { AcpiTables.Dsdt(), AcpiTables.Fadt(0xe0040), AcpiTables.Madt(8), AcpiTables.Mcfg() })
            Assert.Equal(0, table.Aggregate(0, (sum, b) => (sum + b) & 0xff));
        PlayedDriver memory = new();
        ulong root = AcpiTables.Write(memory.Memory, 2);
        Assert.Equal(0, memory.Bytes.AsSpan((int)root, 36).ToArray().Aggregate(0, (sum, b) => (sum + b) & 0xff));
    }

    [SkippableTheory]
    [Trait("tier", "kernel")]
    [InlineData("dsdt", "PNP0A08")]
    [InlineData("fadt", "Hardware Reduced (V5) : 1")]
    [InlineData("madt", "Local Apic ID : 07")]
    [InlineData("mcfg", "Base Address : 00000000E0000000")]
    public void The_disassembler_reads_each_table_without_complaint(string name, string expected)
    {
        Skip.IfNot(File.Exists("/usr/bin/iasl"), "no iasl");
        string folder = Directory.CreateTempSubdirectory().FullName;
        byte[] table = name switch
        {
            "dsdt" => AcpiTables.Dsdt(),
            "fadt" => AcpiTables.Fadt(0xe0040),
            "madt" => AcpiTables.Madt(8),
            _ => AcpiTables.Mcfg(),
        };
        File.WriteAllBytes(Path.Combine(folder, name + ".aml"), table);
        string said = ProgramRun.Of(new ProcessStartInfo("/usr/bin/iasl", ["-d", name + ".aml"]) { WorkingDirectory = folder }).Succeeded().Said;
        string text = File.ReadAllText(Path.Combine(folder, name + ".dsl"));
        Directory.Delete(folder, recursive: true);
        Assert.Contains(expected, text);
        Assert.DoesNotContain("Incorrect checksum", said + text);
        Assert.DoesNotContain("Error", said);
    }
}
