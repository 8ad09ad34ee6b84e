using Xunit;

using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Boot;
using ZeroOS.Vmm.Cpu;
using ZeroOS.Vmm.Kvm;
using ZeroOS.Vmm.Pci;

namespace ZeroOS.Tests.Vmm.Cpu;

public class BootRegistersTests
{
    [Theory]
    [InlineData(BootProtocol.Linux64, 0x00af9b000000ffffUL)]
    [InlineData(BootProtocol.Pvh, 0x00cf9b000000ffffUL)]
    public void Segments_are_flat_and_as_long_as_the_protocol_wants_them(object protocol, ulong code)
    {
        PlayedDriver guest = new();
        BootRegisters.PlaceTables(guest.Memory, (BootProtocol)protocol);
        ulong[] expected = [0, code, 0x00cf93000000ffff, 0x00008b0000000067];
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], BitConverter.ToUInt64(guest.Bytes, (int)Layout.Gdt + (8 * i)));
    }

    [SkippableFact]
    [Trait("tier", "kernel")]
    public void KVM_takes_the_state_of_both_protocols()
    {
        (KvmVm vm, KvmVcpu cpu) = Make();
        using (vm)
        using (cpu)
        {
            BootRegisters.ApplyCommon(cpu);
            BootRegisters.Apply(cpu, new LoadedKernel(BootProtocol.Pvh, 0x100000, 0x200000, 0x3000000, []));
            Assert.Equal((0x100000UL, Layout.StartInfo, 2UL), (cpu.Registers.rip, cpu.Registers.rbx, cpu.Registers.rflags));
            Assert.Equal((0UL, 0x11UL), (cpu.SystemRegisters.efer, cpu.SystemRegisters.cr0 & 0x80000011));
            BootRegisters.Apply(cpu, new LoadedKernel(BootProtocol.Linux64, 0x1000200, 0x2000000, 0x3000000, []));
            Assert.Equal((0x1000200UL, Layout.ZeroPage, Layout.BootStack), (cpu.Registers.rip, cpu.Registers.rsi, cpu.Registers.rsp));
            Assert.Equal((0x500UL, Layout.Pml4, 1), (cpu.SystemRegisters.efer, cpu.SystemRegisters.cr3, cpu.SystemRegisters.cs.l));
        }
    }

    [SkippableFact]
    [Trait("tier", "kernel")]
    public void Messages_get_numbers_after_the_pins_and_KVM_takes_the_whole_table()
    {
        (KvmVm vm, KvmVcpu cpu) = Make();
        using (vm)
        using (cpu)
        using (EventFd first = new())
        using (EventFd second = new())
        {
            InterruptRoutes routes = new(vm);
            Assert.Equal((Layout.FirstMessage, Layout.FirstMessage + 1), (routes.Add(first), routes.Add(second)));
            routes.Set(Layout.FirstMessage, 0xfee00000, 0x30);
            routes.Set(Layout.FirstMessage, 0xfee00000, 0x30);
            routes.Set(Layout.FirstMessage + 1, 0xfee01000, 0x31);
            first.Signal();
        }
    }

    private static (KvmVm Vm, KvmVcpu Cpu) Make()
    {
        FileDescriptor? file = FileDescriptor.TryOpen("/dev/kvm", OpenFlags.ReadWrite, 0, out Errno errno);
        Skip.If(file is null, $"no /dev/kvm: {errno}");
        KvmDevice kvm = new(file!);
        KvmVm vm = kvm.CreateVm();
        vm.ReserveKvmPages(Layout.KvmIdentityMap, Layout.KvmTaskState);
        vm.CreateInterruptChips();
        KvmVcpu cpu = vm.CreateVcpu(0);
        cpu.SetCpuid(CpuidTable.For(kvm.SupportedCpuid(), 0, 1, kvm.HasTscDeadline));
        return (vm, cpu);
    }
}
