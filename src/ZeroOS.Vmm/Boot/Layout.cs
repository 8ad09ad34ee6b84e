namespace ZeroOS.Vmm.Boot;

/// <summary>
/// The guest's physical address space and ports, in one place. Addresses below 1 MiB hold what boot hands over; RAM has a hole from 3 to 4 GiB.
/// </summary>
internal static class Layout
{
    /// <summary>Segment descriptors used before the kernel loads its own.</summary>
    public const ulong Gdt = 0x500, Idt = 0x520;

    /// <summary>PVH: hvm_start_info and its module list, then the memory map.</summary>
    public const ulong StartInfo = 0x6000, ModuleList = 0x6040, MemoryMap = 0x7000;

    /// <summary>bzImage: boot_params, which takes the place of the PVH memory map.</summary>
    public const ulong ZeroPage = 0x7000;

    /// <summary>Stack and page tables of the 64-bit entry: one gigabyte mapped to itself.</summary>
    public const ulong BootStack = 0x8ff0, Pml4 = 0x9000, Pdpt = 0xa000, PageDirectory = 0xb000;

    /// <summary>The command line, at most <see cref="CommandLineMax"/> bytes and a zero.</summary>
    public const ulong CommandLine = 0x20000;

    /// <summary>Bytes of a command line.</summary>
    public const int CommandLineMax = 2047;

    /// <summary>From here to <see cref="HighMemory"/> is reserved in the memory map; ACPI lies in it, where Linux also looks by itself.</summary>
    public const ulong ReservedLow = 0x9fc00, Acpi = 0xe0000;

    /// <summary>Where kernels may begin.</summary>
    public const ulong HighMemory = 0x100000;

    /// <summary>The hole: PCI memory first (256 MiB), then one bus of ECAM (1 MiB), the interrupt controllers, KVM's own pages.</summary>
    public const ulong MmioStart = 0xc0000000, PciMemorySize = 0x10000000, Ecam = 0xe0000000, EcamSize = 0x100000;

    /// <summary>Interrupt controllers, where every PC has them.</summary>
    public const ulong IoApic = 0xfec00000, LocalApic = 0xfee00000;

    /// <summary>Pages KVM wants on some processors.</summary>
    public const ulong KvmIdentityMap = 0xfffbc000, KvmTaskState = 0xfffbd000;

    /// <summary>RAM goes on here.</summary>
    public const ulong FourGiB = 0x1_0000_0000;

    /// <summary>Ports: the 16550, the ACPI sleep registers and the reset register, the keyboard controller's reset, the panic notice.</summary>
    public const ushort Serial = 0x3f8, SleepControl = 0x600, SleepStatus = 0x601, ResetRegister = 0x602, Keyboard = 0x64, Panic = 0x505;

    /// <summary>Interrupt lines of the IOAPIC: the 16550, the generic event device. Messages begin after its 24 pins.</summary>
    public const uint SerialInterrupt = 4, EventInterrupt = 9, FirstMessage = 24;
}
