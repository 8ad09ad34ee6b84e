using System.Numerics;

using ZeroOS.Vmm.Kvm;

namespace ZeroOS.Vmm.Cpu;

/// <summary>
/// What CPUID says to the guest: what KVM supports on this host, made true for this machine's processors and without what guests must not have. Every edit
/// applies only if the leaf is present, because hosts differ in which they give.
/// </summary>
internal static class CpuidTable
{
    private const uint Tsx = (1u << 4) | (1u << 11), Cx16 = 1u << 13, Vmx = 1u << 5, Pdcm = 1u << 15, TscDeadline = 1u << 24, Hypervisor = 1u << 31,
        Osxsave = 1u << 27;

    /// <summary>The leaves of processor <paramref name="id"/> of <paramref name="cpus"/>.</summary>
    public static kvm_cpuid_entry2[] For(kvm_cpuid_entry2[] supported, int id, int cpus, bool tscDeadline)
    {
        kvm_cpuid_entry2[] leaves = (kvm_cpuid_entry2[])supported.Clone();
        uint logical = BitOperations.RoundUpToPowerOf2((uint)cpus);
        bool software = !HasVirtualization(supported);
        for (int i = 0; i < leaves.Length; i++)
            Edit(ref leaves[i], (uint)id, logical, tscDeadline, software);
        return leaves;
    }

    private static void Edit(ref kvm_cpuid_entry2 leaf, uint id, uint logical, bool tscDeadline, bool software)
    {
        int shift = BitOperations.Log2(logical);
        switch (leaf.function)
        {
            case 0x1:
                leaf.ebx = (leaf.ebx & 0xff) | (8 << 8) | (logical << 16) | (id << 24);
                leaf.ecx = (leaf.ecx & ~(Pdcm | Vmx | TscDeadline | Osxsave)) | Hypervisor | (tscDeadline ? TscDeadline : 0);
                if (software)
                    leaf.ecx &= ~Cx16;
                leaf.edx = logical > 1 ? leaf.edx | (1u << 28) : leaf.edx & ~(1u << 28);
                break;
            case 0x4:
                // Each processor is a core of its own; caches are not shared but for the last level.
                uint sharing = ((leaf.eax >> 5) & 7) >= 3 ? logical - 1 : 0;
                if ((leaf.eax & 0x1f) != 0)
                    leaf.eax = (leaf.eax & 0x3fff) | (sharing << 14) | ((logical - 1) << 26);
                break;
            case 0x6:
                leaf.eax &= ~(1u << 1);
                leaf.ecx &= ~(1u << 3);
                break;
            case 0x7 when leaf.index == 0:
                leaf.ebx &= ~Tsx;
                // WAITPKG would let a guest hold the processor; a software KVM advertises LA57 and GFNI without emulating them.
                leaf.ecx &= ~(1u << 5);
                if (software)
                    leaf.ecx &= ~((1u << 16) | (1u << 8));
                break;
            case 0xa:
                leaf.eax = leaf.ebx = leaf.ecx = leaf.edx = 0;
                break;
            case 0xb or 0x1f:
                leaf.edx = id;
                if (leaf.index == 0)
                    (leaf.eax, leaf.ebx, leaf.ecx) = (0, 1, 1 << 8);
                else if (leaf.index == 1)
                    (leaf.eax, leaf.ebx, leaf.ecx) = ((uint)shift, logical, (2 << 8) | 1);
                break;
            case 0x80000001:
                leaf.ecx &= ~((1u << 2) | (1u << 12));
                // One core, one thread: CMP_LEGACY where the vendor uses it, no hyper-threads.
                leaf.ecx = logical > 1 ? leaf.ecx | (1u << 1) : leaf.ecx & ~(1u << 1);
                break;
            case 0x80000008:
                leaf.ecx = (leaf.ecx & ~0xf0ffu) | (logical - 1) | ((uint)shift << 12);
                break;
            case 0x8000000a:
                leaf.eax = leaf.ebx = leaf.ecx = leaf.edx = 0;
                break;
            case 0x8000001d:
                uint shared = ((leaf.eax >> 5) & 7) >= 3 ? logical - 1 : 0;
                if ((leaf.eax & 0x1f) != 0)
                    leaf.eax = (leaf.eax & 0x3fff) | (shared << 14);
                break;
            case 0x8000001e:
                (leaf.eax, leaf.ebx, leaf.ecx) = (id, id, 0);
                break;
        }
    }

    // A KVM without hardware virtualisation underneath (no VMX and no SVM to pass on) emulates kernel-mode code and not all of what it advertises.
    private static bool HasVirtualization(kvm_cpuid_entry2[] leaves) =>
        leaves.Any(l => (l.function == 1 && (l.ecx & Vmx) != 0) || (l.function == 0x80000001 && (l.ecx & (1u << 2)) != 0) || (l.function == 0xd && l.eax != 0));
}
