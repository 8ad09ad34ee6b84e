using ZeroOS.Linux;
using ZeroOS.Vmm.Boot;
using ZeroOS.Vmm.Kvm;

namespace ZeroOS.Vmm.Pci;

/// <summary>
/// Where interrupt messages go: hands out interrupt numbers after the IOAPIC's pins and keeps KVM's routing table, which is always replaced as a whole.
/// </summary>
internal sealed class InterruptRoutes
{
    private const int MaxRoutes = 512;
    private readonly kvm_irq_routing_entry[] _routes = new kvm_irq_routing_entry[MaxRoutes];
    private readonly KvmVm _vm;
    private readonly Lock _gate = new();
    private int _count;

    /// <summary>Routes the IOAPIC's pins as they are.</summary>
    public InterruptRoutes(KvmVm vm)
    {
        _vm = vm;
        for (uint pin = 0; pin < Layout.FirstMessage; pin++)
            _routes[_count++] = new() { gsi = pin, type = KvmAbi.IRQ_ROUTING_IRQCHIP, irqchip = KvmAbi.IRQCHIP_IOAPIC, pin = pin };
        _vm.SetRoutes(_routes, _count);
    }

    /// <summary>A number for messages; the event sends the message that <see cref="Set"/> gave it last.</summary>
    public uint Add(EventFd source)
    {
        lock (_gate)
        {
            uint gsi = (uint)_count;
            _routes[_count++] = new() { gsi = gsi, type = KvmAbi.IRQ_ROUTING_MSI };
            _vm.AssignInterrupt(source, gsi);
            return gsi;
        }
    }

    /// <summary>Sets the message of a number; nothing happens when it is the same.</summary>
    public void Set(uint gsi, ulong address, uint data)
    {
        lock (_gate)
        {
            ref kvm_irq_routing_entry route = ref _routes[gsi];
            if (route.address_lo == (uint)address && route.address_hi == (uint)(address >> 32) && route.data == data)
                return;
            route.address_lo = (uint)address;
            route.address_hi = (uint)(address >> 32);
            route.data = data;
            _vm.SetRoutes(_routes, _count);
        }
    }
}
