using ZeroOS.Vmm.Boot;
using ZeroOS.Vmm.Kvm;
using ZeroOS.Vmm.Memory;

namespace ZeroOS.Vmm.Cpu;

/// <summary>
/// The state a processor has when the kernel's first instruction runs. Only the first processor needs it; the others wait for its start-up interrupt.
/// </summary>
internal static class BootRegisters
{
    private const uint MSR_SYSENTER_CS = 0x174, MSR_MISC_ENABLE = 0x1a0, MSR_MTRR_DEFAULT = 0x2ff;
    private const ulong CR0_PE = 1, CR0_ET = 1 << 4, CR0_PG = 1UL << 31, CR4_PAE = 1 << 5, EFER_LME = 1 << 8, EFER_LMA = 1 << 10;

    /// <summary>Writes the descriptor tables both protocols use.</summary>
    public static void PlaceTables(GuestMemory memory, BootProtocol protocol)
    {
        bool linux64 = protocol == BootProtocol.Linux64;
        ulong[] gdt = [0, Descriptor(linux64 ? 0xa09bu : 0xc09bu, 0xfffff), Descriptor(0xc093, 0xfffff), Descriptor(0x008b, 0x67)];
        for (int i = 0; i < gdt.Length; i++)
            memory.Place(Layout.Gdt + (8 * (ulong)i), BitConverter.GetBytes(gdt[i]), "the segment descriptors");
        memory.Place(Layout.Idt, new byte[8], "the interrupt descriptors");
    }

    /// <summary>Sets the first processor to the kernel's entry.</summary>
    public static void Apply(KvmVcpu vcpu, LoadedKernel kernel)
    {
        bool linux64 = kernel.Protocol == BootProtocol.Linux64;
        kvm_sregs s = vcpu.SystemRegisters;
        s.cs = Segment(0x08, 0xb, linux64);
        s.ds = s.es = s.fs = s.gs = s.ss = Segment(0x10, 3, false);
        s.tr = new kvm_segment { limit = 0x67, selector = 0x18, type = 0xb, present = 1 };
        s.gdt = new kvm_dtable { @base = Layout.Gdt, limit = 31 };
        s.idt = new kvm_dtable { @base = Layout.Idt, limit = 7 };
        s.cr0 = linux64 ? CR0_PE | CR0_ET | CR0_PG : CR0_PE | CR0_ET;
        s.cr4 = linux64 ? CR4_PAE : 0;
        s.cr3 = linux64 ? Layout.Pml4 : 0;
        s.efer = linux64 ? EFER_LME | EFER_LMA : 0;
        vcpu.SystemRegisters = s;
        vcpu.Registers = linux64
            ? new kvm_regs { rip = kernel.Entry, rflags = 2, rsi = Layout.ZeroPage, rsp = Layout.BootStack, rbp = Layout.BootStack }
            : new kvm_regs { rip = kernel.Entry, rflags = 2, rbx = Layout.StartInfo };
    }

    /// <summary>
    /// What every processor gets: floating point, model-specific registers, local interrupts. After its CPUID: some registers exist only by it.
    /// </summary>
    public static void ApplyCommon(KvmVcpu vcpu)
    {
        vcpu.UseHostCounterRate();
        vcpu.SetFpu(new kvm_fpu { fcw = 0x37f, mxcsr = 0x1f80 });
        kvm_msr_entry[] registers =
        [
            new() { index = MSR_SYSENTER_CS }, new() { index = MSR_SYSENTER_CS + 1 }, new() { index = MSR_SYSENTER_CS + 2 },
            new() { index = MSR_MISC_ENABLE, data = 1 },
            new() { index = MSR_MTRR_DEFAULT, data = (1 << 11) | 6 },
        ];
        // One at a time: a host may lack one of them, and a guest does without.
        foreach (kvm_msr_entry register in registers)
            _ = vcpu.SetMsrs([register]);
        vcpu.WireLocalInterrupts();
    }

    private static kvm_segment Segment(ushort selector, byte type, bool longMode) => new()
    {
        limit = 0xffffffff,
        selector = selector,
        type = type,
        present = 1,
        s = 1,
        g = 1,
        db = (byte)(longMode ? 0 : 1),
        l = (byte)(longMode ? 1 : 0),
    };

    // Base 0; flags hold access byte and, in bits 12 to 15, granularity.
    private static ulong Descriptor(uint flags, uint limit) =>
        (limit & 0xffff) | ((ulong)(flags & 0xff) << 40) | ((ulong)(limit >> 16) << 48) | ((ulong)(flags >> 12) << 52);
}
