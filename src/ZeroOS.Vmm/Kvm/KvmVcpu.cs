using ZeroOS.Linux;

namespace ZeroOS.Vmm.Kvm;

/// <summary>One virtual processor of KVM and its shared page. Used by one thread, which is also the one that makes it run.</summary>
internal sealed unsafe class KvmVcpu : IDisposable
{
    private readonly FileDescriptor _vcpu;
    private readonly MemoryMapping _page;

    internal KvmVcpu(FileDescriptor vcpu, int runSize)
    {
        _vcpu = vcpu;
        _page = MemoryMapping.Shared(vcpu, runSize);
    }

    /// <summary>What KVM says about the last exit.</summary>
    public kvm_run* Exit => (kvm_run*)_page.Pointer;

    /// <summary>Runs the guest until it needs something. EINTR: a kick. Other errors are KVM's.</summary>
    public Errno Run() => Ioctls.TryOnce(_vcpu, KvmAbi.RUN, 0);

    /// <summary>The bytes of a port exit: count times size of them; empty if KVM's numbers leave its own page.</summary>
    public Span<byte> PortData
    {
        get
        {
            kvm_run* run = Exit;
            ulong length = (ulong)run->io_size * run->io_count;
            // SAFETY: KVM is trusted, and the range is checked against the mapping all the same.
            return run->io_data_offset < (ulong)_page.Size && length <= (ulong)_page.Size - run->io_data_offset
                ? new Span<byte>(_page.Pointer + run->io_data_offset, (int)length) : [];
        }
    }

    /// <summary>The signals blocked while the guest runs.</summary>
    public void SetSignalMask(ulong blocked)
    {
        byte* mask = stackalloc byte[12];
        *(uint*)mask = 8;
        *(ulong*)(mask + 4) = blocked;
        Check(_vcpu.Ioctl(KvmAbi.SET_SIGNAL_MASK, (nint)mask), "signal mask");
    }

    /// <summary>What CPUID answers.</summary>
    public void SetCpuid(ReadOnlySpan<kvm_cpuid_entry2> entries)
    {
        byte[] buffer = new byte[8 + (entries.Length * sizeof(kvm_cpuid_entry2))];
        fixed (byte* p = buffer)
        {
            *(uint*)p = (uint)entries.Length;
            entries.CopyTo(new Span<kvm_cpuid_entry2>(p + 8, entries.Length));
            Check(_vcpu.Ioctl(KvmAbi.SET_CPUID2, (nint)p), "CPUID");
        }
    }

    /// <summary>Sets model-specific registers and returns how many were accepted: fewer than given means the next one was refused.</summary>
    public int SetMsrs(ReadOnlySpan<kvm_msr_entry> entries)
    {
        byte[] buffer = new byte[8 + (entries.Length * sizeof(kvm_msr_entry))];
        fixed (byte* p = buffer)
        {
            *(uint*)p = (uint)entries.Length;
            entries.CopyTo(new Span<kvm_msr_entry>(p + 8, entries.Length));
            int set = _vcpu.Ioctl(KvmAbi.SET_MSRS, (nint)p);
            Check(set, "model-specific registers");
            return set;
        }
    }

    /// <summary>
    /// Makes the guest's time stamp counter run at the host's rate as the host knows it now. A KVM without a constant rate gives new processors the rate it
    /// measured first; if the host has corrected it since, the guest's counter stands still for KVM and its deadline timer fires minutes late (seen in
    /// emulation under load).
    /// </summary>
    public void UseHostCounterRate() => _ = _vcpu.Ioctl(KvmAbi.SET_TSC_KHZ, 0);

    /// <summary>General registers.</summary>
    public kvm_regs Registers
    {
        get
        {
            kvm_regs regs = default;
            Check(_vcpu.Ioctl(KvmAbi.GET_REGS, ref regs), "registers");
            return regs;
        }
        set => Check(_vcpu.Ioctl(KvmAbi.SET_REGS, ref value), "registers");
    }

    /// <summary>Segment and control registers.</summary>
    public kvm_sregs SystemRegisters
    {
        get
        {
            kvm_sregs regs = default;
            Check(_vcpu.Ioctl(KvmAbi.GET_SREGS, ref regs), "system registers");
            return regs;
        }
        set => Check(_vcpu.Ioctl(KvmAbi.SET_SREGS, ref value), "system registers");
    }

    /// <summary>Floating point state.</summary>
    public void SetFpu(kvm_fpu fpu) => Check(_vcpu.Ioctl(KvmAbi.SET_FPU, ref fpu), "floating point");

    /// <summary>Wires the local interrupt pins as firmware would: LINT0 to the interrupt controller, LINT1 to NMI (SDM volume 3, 11.5.1).</summary>
    public void WireLocalInterrupts()
    {
        const int LINT0 = 0x350 / 4, LINT1 = 0x360 / 4;
        const uint ModeMask = 7 << 8, ExtInt = 7 << 8, Nmi = 4 << 8;
        kvm_lapic_state apic = default;
        Check(_vcpu.Ioctl(KvmAbi.GET_LAPIC, ref apic), "local APIC");
        apic.regs[LINT0] = (apic.regs[LINT0] & ~ModeMask) | ExtInt;
        apic.regs[LINT1] = (apic.regs[LINT1] & ~ModeMask) | Nmi;
        Check(_vcpu.Ioctl(KvmAbi.SET_LAPIC, ref apic), "local APIC");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _page.Dispose();
        _vcpu.Dispose();
    }

    private static void Check(int result, string what)
    {
        if (result < 0)
            throw new KvmException($"KVM refused the {what}: {(Errno)(-result)}");
    }
}
