using Xunit;

using ZeroOS.Vmm.Cpu;
using ZeroOS.Vmm.Kvm;

namespace ZeroOS.Tests.Vmm.Cpu;

/// <summary>CPUID as KVM gave it on two hosts, and what is made of it.</summary>
public class CpuidTableTests
{
    private const uint Vmx = 1u << 5, Cx16 = 1u << 13, TscDeadline = 1u << 24, Osxsave = 1u << 27, Hypervisor = 1u << 31, Threads = 1u << 28;

    /// <summary>An AMD host, recorded: function, index, eax, ebx, ecx, edx.</summary>
    private static readonly (uint Function, uint Index, uint Eax, uint Ebx, uint Ecx, uint Edx)[] s_amd =
    [
        (0x0, 0, 0xd, 0x68747541, 0x444d4163, 0x69746e65), (0x1, 0, 0xa00f11, 0x20800, 0x81202000, 0x78bfbff), (0x6, 0, 0x4, 0x0, 0x0, 0x0),
        (0x7, 0, 0x0, 0x1800002, 0x4, 0x20000000), (0xa, 0, 0x0, 0x0, 0x0, 0x0), (0xb, 0, 0x0, 0x0, 0x0, 0x0), (0xd, 0, 0x7, 0x340, 0x340, 0x0),
        (0x80000000, 0, 0x80000021, 0x68747541, 0x444d4163, 0x69746e65), (0x80000001, 0, 0xa00f11, 0x40000000, 0x400393, 0x23d3fbff),
        (0x80000008, 0, 0x3030, 0x10000005, 0x7001, 0x0), (0x8000000a, 0, 0x1, 0x8, 0x0, 0xf), (0x8000001d, 0, 0x121, 0x1c0003f, 0x3f, 0x0),
        (0x8000001d, 3, 0x4163, 0x3c0003f, 0x7fff, 0x1), (0x8000001e, 0, 0x7, 0x107, 0x300, 0x0), (0x40000000, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d),
    ];

    /// <summary>What matters of an Intel host with hardware virtualisation.</summary>
    private static readonly (uint Function, uint Index, uint Eax, uint Ebx, uint Ecx, uint Edx)[] s_intel =
    [
        (0x1, 0, 0x50657, 0x100800, 0xfffaf3ff, 0xbfebfbff), (0x4, 0, 0x1c004121, 0x1c0003f, 0x3f, 0x0), (0x4, 3, 0x1c03c163, 0x2c0003f, 0x7fff, 0x0),
        (0x6, 0, 0xef7, 0x2, 0x9, 0x0), (0x7, 0, 0x0, 0xd19f27eb, 0x1132e, 0xac000400), (0xa, 0, 0x7300403, 0x0, 0x0, 0x603),
        (0xb, 0, 0x1, 0x2, 0x100, 0x10), (0xb, 1, 0x5, 0x14, 0x201, 0x10),
    ];

    /// <summary>Without VMX, SVM and XSAVE: a KVM in software.</summary>
    private static readonly (uint Function, uint Index, uint Eax, uint Ebx, uint Ecx, uint Edx)[] s_software =
        [(0x1, 0, 0x50657, 0x100800, Cx16, 0x1), (0x7, 0, 0x0, 0x0, (1u << 16) | (1u << 8), 0x0)];

    [Fact]
    public void Each_processor_has_its_own_number_and_all_know_how_many_they_are()
    {
        for (int id = 0; id < 3; id++)
        {
            kvm_cpuid_entry2[] t = For(s_amd, id, 3);
            uint self = (uint)id;
            Assert.Equal((self, 4u, 8u), (Leaf(t, 1).ebx >> 24, (Leaf(t, 1).ebx >> 16) & 0xff, (Leaf(t, 1).ebx >> 8) & 0xff));
            Assert.NotEqual(0u, Leaf(t, 1).edx & Threads);
            Assert.Equal((self, 1u << 8), (Leaf(t, 0xb).edx, Leaf(t, 0xb).ecx));
            Assert.Equal((self, self, 0u), (Leaf(t, 0x8000001e).eax, Leaf(t, 0x8000001e).ebx, Leaf(t, 0x8000001e).ecx));
            Assert.Equal(3u | (2u << 12), Leaf(t, 0x80000008).ecx & 0xf0ff);
        }
    }

    [Fact]
    public void A_single_processor_has_no_threads()
    {
        kvm_cpuid_entry2[] t = For(s_amd, 0, 1);
        Assert.Equal(0u, Leaf(t, 1).edx & Threads);
        Assert.Equal(0u, Leaf(t, 0x80000001).ecx & 2);
    }

    [Fact]
    public void Nested_virtualisation_performance_counters_and_transactions_are_hidden()
    {
        kvm_cpuid_entry2[] intel = For(s_intel, 0, 2), amd = For(s_amd, 0, 2);
        Assert.Equal(0u, Leaf(intel, 1).ecx & (Vmx | (1u << 15) | Osxsave));
        Assert.Equal(0u, Leaf(intel, 7).ebx & ((1u << 4) | (1u << 11)));
        Assert.Equal((0u, 0u, 0u, 0u), (Leaf(intel, 0xa).eax, Leaf(intel, 0xa).ebx, Leaf(intel, 0xa).ecx, Leaf(intel, 0xa).edx));
        Assert.Equal(0u, Leaf(intel, 6).ecx & 8);
        Assert.Equal(0u, Leaf(amd, 0x80000001).ecx & 4);
        Assert.Equal((0u, 0u), (Leaf(amd, 0x8000000a).eax, Leaf(amd, 0x8000000a).edx));
        Assert.Equal(0u, Leaf(amd, 7).ecx & (1u << 5));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_hypervisor_is_told_and_the_deadline_timer_only_where_it_is(bool deadline)
    {
        uint ecx = Leaf(CpuidTable.For(Entries(s_intel), 0, 1, deadline), 1).ecx;
        Assert.Equal((Hypervisor, deadline ? TscDeadline : 0), (ecx & Hypervisor, ecx & TscDeadline));
    }

    [Fact]
    public void Each_processor_is_a_core_and_only_the_last_cache_is_shared()
    {
        kvm_cpuid_entry2[] t = For(s_intel, 1, 4);
        Assert.Equal((0u, 3u, 3u), ((Leaf(t, 4).eax >> 14) & 0xfff, (Leaf(t, 4, 3).eax >> 14) & 0xfff, Leaf(t, 4).eax >> 26));
        Assert.Equal((2u, 4u, (2u << 8) | 1), (Leaf(t, 0xb, 1).eax, Leaf(t, 0xb, 1).ebx, Leaf(t, 0xb, 1).ecx));
        Assert.Equal((0u, 3u), ((Leaf(For(s_amd, 1, 4), 0x8000001d).eax >> 14) & 0xfff, (Leaf(For(s_amd, 1, 4), 0x8000001d, 3).eax >> 14) & 0xfff));
    }

    [Fact]
    public void A_KVM_in_software_does_not_advertise_what_it_cannot_emulate()
    {
        kvm_cpuid_entry2[] t = For(s_software, 0, 1);
        Assert.Equal((0u, 0u), (Leaf(t, 1).ecx & Cx16, Leaf(t, 7).ecx));
        Assert.NotEqual(0u, Leaf(For(s_intel, 0, 1), 1).ecx & Cx16);
    }

    [Fact]
    public void No_leaf_is_added_and_what_KVM_said_stays_as_it_was()
    {
        kvm_cpuid_entry2[] given = Entries(s_amd);
        kvm_cpuid_entry2[] made = CpuidTable.For(given, 3, 8, true);
        Assert.Equal(given.Select(e => (e.function, e.index)), made.Select(e => (e.function, e.index)));
        Assert.Equal(s_amd.Select(e => (e.Eax, e.Ebx, e.Ecx, e.Edx)), given.Select(e => (e.eax, e.ebx, e.ecx, e.edx)));
        Assert.Equal(0x4b4d564bu, Leaf(made, 0x40000000).ebx);
    }

    private static kvm_cpuid_entry2[] For((uint, uint, uint, uint, uint, uint)[] recorded, int id, int cpus) =>
        CpuidTable.For(Entries(recorded), id, cpus, true);

    private static kvm_cpuid_entry2[] Entries((uint Function, uint Index, uint Eax, uint Ebx, uint Ecx, uint Edx)[] recorded) =>
        [.. recorded.Select(r => new kvm_cpuid_entry2 { function = r.Function, index = r.Index, eax = r.Eax, ebx = r.Ebx, ecx = r.Ecx, edx = r.Edx })];

    private static kvm_cpuid_entry2 Leaf(kvm_cpuid_entry2[] table, uint function, uint index = 0) =>
        table.Single(e => e.function == function && e.index == index);
}
