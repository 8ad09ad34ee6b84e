using ZeroOS.Linux;

namespace ZeroOS.Vmm.Kvm;

/// <summary>One virtual machine of KVM: memory slots, interrupt chips, routes, event descriptors.</summary>
internal sealed unsafe class KvmVm(FileDescriptor vm, int runSize) : IDisposable
{
    /// <summary>
    /// Makes host memory the guest's, or readable by it, at <paramref name="guestAddress"/>. To be called before <see cref="CreateInterruptChips"/>: 19 times
    /// faster on some hosts.
    /// </summary>
    public void AddMemory(uint slot, ulong guestAddress, byte* host, ulong sizeBytes, bool readOnly = false)
    {
        kvm_userspace_memory_region region = new()
        {
            slot = slot,
            flags = readOnly ? KvmAbi.MEM_READONLY : 0,
            guest_phys_addr = guestAddress,
            memory_size = sizeBytes,
            userspace_addr = (ulong)host,
        };
        Check(vm.Ioctl(KvmAbi.SET_USER_MEMORY_REGION, ref region), "memory slot");
    }

    /// <summary>The two places in guest address space KVM needs on some processors, just below 4 GiB.</summary>
    public void ReserveKvmPages(ulong identityMap, ulong taskState)
    {
        Check(vm.Ioctl(KvmAbi.SET_IDENTITY_MAP_ADDR, ref identityMap), "identity map");
        Check(vm.Ioctl(KvmAbi.SET_TSS_ADDR, (nint)taskState), "task state");
    }

    /// <summary>In-kernel IOAPIC, PIC and local APICs.</summary>
    public void CreateInterruptChips() => Check(vm.Ioctl(KvmAbi.CREATE_IRQCHIP, 0), "interrupt chips");

    /// <summary>From now on a signal of the event raises <paramref name="gsi"/>.</summary>
    public void AssignInterrupt(EventFd source, uint gsi)
    {
        kvm_irqfd irqfd = new() { fd = (uint)source.Descriptor.Number, gsi = gsi };
        Check(vm.Ioctl(KvmAbi.IRQFD, ref irqfd), "irqfd");
    }

    /// <summary>
    /// From now on a 16-bit guest write of <paramref name="value"/> to <paramref name="address"/> signals the event and does not leave the kernel.
    /// </summary>
    public void AssignNotification(ulong address, ushort value, EventFd target)
    {
        kvm_ioeventfd io = new()
        {
            addr = address,
            len = sizeof(ushort),
            datamatch = value,
            fd = target.Descriptor.Number,
            flags = KvmAbi.IOEVENTFD_FLAG_DATAMATCH,
        };
        Check(vm.Ioctl(KvmAbi.IOEVENTFD, ref io), "ioeventfd");
    }

    /// <summary>Replaces the whole interrupt routing table.</summary>
    public void SetRoutes(kvm_irq_routing_entry[] routes, int count)
    {
        byte* table = stackalloc byte[8 + (count * sizeof(kvm_irq_routing_entry))];
        *(uint*)table = (uint)count;
        *(uint*)(table + 4) = 0;
        routes.AsSpan(0, count).CopyTo(new Span<kvm_irq_routing_entry>(table + 8, count));
        Check(vm.Ioctl(KvmAbi.SET_GSI_ROUTING, (nint)table), "interrupt routes");
    }

    /// <summary>Makes the processor with APIC id <paramref name="id"/>.</summary>
    public KvmVcpu CreateVcpu(int id)
    {
        int fd = vm.Ioctl(KvmAbi.CREATE_VCPU, id);
        Check(fd, "processor");
        return new KvmVcpu(new FileDescriptor(fd), runSize);
    }

    /// <inheritdoc/>
    public void Dispose() => vm.Dispose();

    private static void Check(int result, string what)
    {
        if (result < 0)
            throw new KvmException($"KVM refused the {what}: {(Errno)(-result)}");
    }
}
