using System.Reflection;

using ZeroOS.Tests.Linux.Abi;
using ZeroOS.Vmm.Kvm;

namespace ZeroOS.Tests.Vmm.Kvm;

/// <summary>The C compiler judges every number and structure of KVM by linux/kvm.h.</summary>
[Trait("tier", "kernel")]
public sealed class KvmAbiTests
{
    private static readonly string[] s_headers = ["linux/kvm.h"];

    // Members of the header's unions that are fields with names of their own here; null: padding that the header calls differently.
    private static readonly Dictionary<string, string?[]> s_names = new(StringComparer.Ordinal)
    {
        ["kvm_sregs.interrupts0"] = ["interrupt_bitmap[0]"],
        ["kvm_sregs.interrupts1"] = ["interrupt_bitmap[1]"],
        ["kvm_sregs.interrupts2"] = ["interrupt_bitmap[2]"],
        ["kvm_sregs.interrupts3"] = ["interrupt_bitmap[3]"],
        ["kvm_irq_routing_entry.irqchip"] = ["u.irqchip.irqchip"],
        ["kvm_irq_routing_entry.pin"] = ["u.irqchip.pin"],
        ["kvm_irq_routing_entry.address_lo"] = ["u.msi.address_lo"],
        ["kvm_irq_routing_entry.address_hi"] = ["u.msi.address_hi"],
        ["kvm_irq_routing_entry.data"] = ["u.msi.data"],
        ["kvm_run.io_direction"] = ["io.direction"],
        ["kvm_run.io_size"] = ["io.size"],
        ["kvm_run.io_port"] = ["io.port"],
        ["kvm_run.io_count"] = ["io.count"],
        ["kvm_run.io_data_offset"] = ["io.data_offset"],
        ["kvm_run.mmio_phys_addr"] = ["mmio.phys_addr"],
        ["kvm_run.mmio_data"] = ["mmio.data"],
        ["kvm_run.mmio_len"] = ["mmio.len"],
        ["kvm_run.mmio_is_write"] = ["mmio.is_write"],
        ["kvm_run.hardware_entry_failure_reason"] = ["fail_entry.hardware_entry_failure_reason"],
        ["kvm_run.suberror_or_event_type"] = ["internal.suberror", "system_event.type"],
    };

    [SkippableFact]
    public void Constants_are_those_of_the_header()
    {
        (string, long)[] facts = [.. typeof(KvmAbi).GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
            .Select(f => ("KVM_" + f.Name, Number(f.GetValue(null)!)))];
        Assert.True(facts.Length > 40, $"only {facts.Length} constants found");
        CCompiler.Hold(s_headers, facts);
    }

    [SkippableFact]
    public void Structures_have_the_layout_of_the_header()
    {
        Type[] structures = [.. typeof(KvmAbi).Assembly.GetTypes().Where(t => t.IsValueType && t.Name.StartsWith("kvm_", StringComparison.Ordinal))];
        Assert.True(structures.Length > 10, $"only {structures.Length} structures found");
        CCompiler.Hold(s_headers, structures.SelectMany(Layouts));
    }

    private static IEnumerable<(string, long)> Layouts(Type structure) => Enumerable.Range(0, 2)
        .SelectMany(i => CCompiler.Layout(structure, "struct " + structure.Name,
            field => s_names.TryGetValue($"{structure.Name}.{field}", out string?[]? names) ? names.ElementAtOrDefault(i) : field));

    private static long Number(object value) => value is nuint n ? (long)n : Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture);
}
