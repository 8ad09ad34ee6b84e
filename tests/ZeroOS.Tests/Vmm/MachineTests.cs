using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Boot;
using ZeroOS.Tests.Vmm.Devices;
using ZeroOS.Vmm;

namespace ZeroOS.Tests.Vmm;

/// <summary>Guests of a few bytes on a real /dev/kvm.</summary>
[Trait("tier", "kernel")]
public class MachineTests
{
    // mov dx, 0x600; mov al, 0x34 (S5, sleep enable); out dx, al; hlt
    private static readonly byte[] s_powerOff = [0x66, 0xba, 0x00, 0x06, 0xb0, 0x34, 0xee, 0xf4];

    // out 0x64, 0xfe: the keyboard controller's reset
    private static readonly byte[] s_reset = [0xb0, 0xfe, 0xe6, 0x64, 0xf4];

    // hlt; jmp back: waits for ever without interrupts
    private static readonly byte[] s_halt = [0xf4, 0xeb, 0xfd];

    [SkippableFact]
    public void Writing_S5_to_the_sleep_register_powers_off() => Assert.Equal(MonitorExit.PoweredOff, Run(s_powerOff, kill: false));

    [SkippableFact]
    public void Pulsing_the_reset_line_is_a_reset() => Assert.Equal(MonitorExit.Reset, Run(s_reset, kill: false));

    [SkippableFact]
    public void A_halted_processor_is_kicked_out_when_the_node_kills_the_machine() => Assert.Equal(MonitorExit.Killed, Run(s_halt, kill: true));

    private static MonitorExit Run(byte[] code, bool kill)
    {
        FileDescriptor? kvm = FileDescriptor.TryOpen("/dev/kvm", OpenFlags.ReadWrite, 0, out Errno errno);
        Skip.If(kvm == null, $"no /dev/kvm: {errno}");
        FileDescriptor kernel = FileDescriptor.Memory("kernel"), initrd = FileDescriptor.Memory("initrd");
        kernel.WriteAt(ElfKernel.Of(code), 0);
        initrd.WriteAt("initrd"u8, 0);
        (SeqPacketSocket node, SeqPacketSocket monitor) = SeqPacketSocket.Pair();
        using Machine machine = Machine.Build(new VmConfig
        {
            Cpus = 1,
            MemoryBytes = 64 << 20,
            KernelDescriptor = kernel.TakeNumber(),
            InitrdDescriptor = initrd.TakeNumber(),
            CommandLine = "",
            KvmDescriptor = kvm!.TakeNumber(),
            ControlDescriptor = monitor.Descriptor.TakeNumber(),
            Disks = [],
            Nics = [],
        });
        if (kill)
            Assert.Equal(Errno.None, node.TrySend("""{"verb":"Kill"}"""u8));
        (MonitorExit exit, string reason) = machine.Run();
        Assert.NotEmpty(reason);
        node.Dispose();
        return exit;
    }
}
