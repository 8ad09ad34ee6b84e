using System.Runtime.InteropServices;

namespace ZeroOS.Vmm.Kvm;

/// <summary>Request numbers, capabilities and flags of linux/kvm.h on x86-64, by the kernel's names without their KVM_ prefix.</summary>
internal static class KvmAbi
{
    internal const nuint GET_API_VERSION = 0xae00, CREATE_VM = 0xae01, CHECK_EXTENSION = 0xae03, GET_VCPU_MMAP_SIZE = 0xae04, GET_SUPPORTED_CPUID = 0xc008ae05;
    internal const nuint CREATE_VCPU = 0xae41, SET_USER_MEMORY_REGION = 0x4020ae46, SET_TSS_ADDR = 0xae47, SET_IDENTITY_MAP_ADDR = 0x4008ae48;
    internal const nuint CREATE_IRQCHIP = 0xae60, SET_GSI_ROUTING = 0x4008ae6a, IRQFD = 0x4020ae76, IOEVENTFD = 0x4040ae79;
    internal const nuint RUN = 0xae80, GET_REGS = 0x8090ae81, SET_REGS = 0x4090ae82, GET_SREGS = 0x8138ae83, SET_SREGS = 0x4138ae84, SET_MSRS = 0x4008ae89;
    internal const nuint SET_SIGNAL_MASK = 0x4004ae8b, SET_FPU = 0x41a0ae8d, GET_LAPIC = 0x8400ae8e, SET_LAPIC = 0x4400ae8f, SET_CPUID2 = 0x4008ae90,
        SET_TSC_KHZ = 0xaea2;

    internal const int CAP_IRQCHIP = 0, CAP_USER_MEMORY = 3, CAP_EXT_CPUID = 7, CAP_IRQFD = 32, CAP_IOEVENTFD = 36, CAP_TSC_DEADLINE_TIMER = 72,
        CAP_READONLY_MEM = 81, CAP_IMMEDIATE_EXIT = 136;

    internal const uint EXIT_UNKNOWN = 0, EXIT_IO = 2, EXIT_HLT = 5, EXIT_MMIO = 6, EXIT_SHUTDOWN = 8, EXIT_FAIL_ENTRY = 9, EXIT_INTR = 10,
        EXIT_INTERNAL_ERROR = 17;
    internal const uint EXIT_SYSTEM_EVENT = 24, SYSTEM_EVENT_SHUTDOWN = 1, SYSTEM_EVENT_RESET = 2, SYSTEM_EVENT_CRASH = 3;

    internal const uint MEM_READONLY = 2, IOEVENTFD_FLAG_DATAMATCH = 1, IRQ_ROUTING_IRQCHIP = 1, IRQ_ROUTING_MSI = 2, IRQCHIP_IOAPIC = 2;
}

[StructLayout(LayoutKind.Sequential)]
internal struct kvm_userspace_memory_region
{
    internal uint slot, flags;
    internal ulong guest_phys_addr, memory_size, userspace_addr;
}

[StructLayout(LayoutKind.Sequential)]
internal struct kvm_regs
{
    internal ulong rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags;
}

[StructLayout(LayoutKind.Sequential)]
internal struct kvm_segment
{
    internal ulong @base;
    internal uint limit;
    internal ushort selector;
    internal byte type, present, dpl, db, s, l, g, avl, unusable, padding;
}

[StructLayout(LayoutKind.Sequential)]
internal struct kvm_dtable
{
    internal ulong @base;
    internal ushort limit, padding0, padding1, padding2;
}

[StructLayout(LayoutKind.Sequential)]
internal struct kvm_sregs
{
    internal kvm_segment cs, ds, es, fs, gs, ss, tr, ldt;
    internal kvm_dtable gdt, idt;
    internal ulong cr0, cr2, cr3, cr4, cr8, efer, apic_base, interrupts0, interrupts1, interrupts2, interrupts3;
}

[StructLayout(LayoutKind.Explicit, Size = 416)]
internal struct kvm_fpu
{
    [FieldOffset(128)] internal ushort fcw;
    [FieldOffset(408)] internal uint mxcsr;
}

[StructLayout(LayoutKind.Sequential, Size = 1024)]
internal unsafe struct kvm_lapic_state
{
    internal fixed uint regs[256];
}

[StructLayout(LayoutKind.Sequential)]
internal struct kvm_cpuid_entry2
{
    internal uint function, index, flags, eax, ebx, ecx, edx, padding0, padding1, padding2;
}

[StructLayout(LayoutKind.Sequential)]
internal struct kvm_msr_entry
{
    internal uint index, reserved;
    internal ulong data;
}

[StructLayout(LayoutKind.Sequential, Size = 32)]
internal struct kvm_irqfd
{
    internal uint fd, gsi, flags, resamplefd;
}

[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct kvm_ioeventfd
{
    internal ulong datamatch, addr;
    internal uint len;
    internal int fd;
    internal uint flags;
}

/// <summary>One route; the union's members that are used here: an interrupt chip's pin, or an MSI message.</summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
internal struct kvm_irq_routing_entry
{
    [FieldOffset(0)] internal uint gsi;
    [FieldOffset(4)] internal uint type;
    [FieldOffset(8)] internal uint flags;
    [FieldOffset(16)] internal uint irqchip;
    [FieldOffset(20)] internal uint pin;
    [FieldOffset(16)] internal uint address_lo;
    [FieldOffset(20)] internal uint address_hi;
    [FieldOffset(24)] internal uint data;
}

/// <summary>The head of struct kvm_run: what is read and written here.</summary>
[StructLayout(LayoutKind.Explicit, Size = 2352)]
internal unsafe struct kvm_run
{
    [FieldOffset(1)] internal byte immediate_exit;
    [FieldOffset(8)] internal uint exit_reason;
    [FieldOffset(32)] internal byte io_direction;
    [FieldOffset(33)] internal byte io_size;
    [FieldOffset(34)] internal ushort io_port;
    [FieldOffset(36)] internal uint io_count;
    [FieldOffset(40)] internal ulong io_data_offset;
    [FieldOffset(32)] internal ulong mmio_phys_addr;
    [FieldOffset(40)] internal fixed byte mmio_data[8];
    [FieldOffset(48)] internal uint mmio_len;
    [FieldOffset(52)] internal byte mmio_is_write;
    [FieldOffset(32)] internal ulong hardware_entry_failure_reason;
    [FieldOffset(32)] internal uint suberror_or_event_type;
}
