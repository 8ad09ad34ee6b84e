using ZeroOS.Linux;

namespace ZeroOS.Vmm.Kvm;

/// <summary>/dev/kvm: what this host's KVM can do, and where virtual machines come from.</summary>
internal sealed unsafe class KvmDevice
{
    private const int MaxCpuidEntries = 256;
    private readonly FileDescriptor _kvm;

    /// <summary>Takes /dev/kvm, opened by others, and checks that it is the interface this monitor speaks.</summary>
    /// <exception cref="KvmException">Not KVM, another version, or something needed is missing; the message says which.</exception>
    public KvmDevice(FileDescriptor kvm)
    {
        _kvm = kvm;
        int version = kvm.Ioctl(KvmAbi.GET_API_VERSION, 0);
        if (version != 12)
            throw new KvmException(version < 0 ? $"descriptor {kvm.Number} is not /dev/kvm ({(Errno)(-version)})" : $"KVM interface {version} instead of 12");
        Require(KvmAbi.CAP_IRQCHIP, "interrupt chips");
        Require(KvmAbi.CAP_USER_MEMORY, "user memory");
        Require(KvmAbi.CAP_EXT_CPUID, "CPUID");
        Require(KvmAbi.CAP_IRQFD, "irqfd");
        Require(KvmAbi.CAP_IOEVENTFD, "ioeventfd");
        RunSize = kvm.Ioctl(KvmAbi.GET_VCPU_MMAP_SIZE, 0);
    }

    /// <summary>Bytes to map of each virtual processor.</summary>
    public int RunSize { get; }

    /// <summary>Whether the local APIC timer has TSC-deadline mode, which CPUID must then say itself.</summary>
    public bool HasTscDeadline => _kvm.Ioctl(KvmAbi.CHECK_EXTENSION, KvmAbi.CAP_TSC_DEADLINE_TIMER) > 0;

    /// <summary>Whether memory can be given to a guest that it only reads; its writes come back as exits.</summary>
    public bool HasReadOnlyMemory => _kvm.Ioctl(KvmAbi.CHECK_EXTENSION, KvmAbi.CAP_READONLY_MEM) > 0;

    /// <summary>Makes a virtual machine bound to this process.</summary>
    public KvmVm CreateVm()
    {
        int fd = _kvm.Ioctl(KvmAbi.CREATE_VM, 0);
        return fd >= 0 ? new KvmVm(new FileDescriptor(fd), RunSize) : throw new KvmException($"no virtual machine: {(Errno)(-fd)}");
    }

    /// <summary>The CPUID leaves this KVM can give a guest.</summary>
    public kvm_cpuid_entry2[] SupportedCpuid()
    {
        byte[] buffer = new byte[8 + (MaxCpuidEntries * sizeof(kvm_cpuid_entry2))];
        fixed (byte* p = buffer)
        {
            *(uint*)p = MaxCpuidEntries;
            int result = _kvm.Ioctl(KvmAbi.GET_SUPPORTED_CPUID, (nint)p);
            return result >= 0
                ? new ReadOnlySpan<kvm_cpuid_entry2>(p + 8, (int)Math.Min(*(uint*)p, MaxCpuidEntries)).ToArray()
                : throw new KvmException($"no CPUID from KVM: {(Errno)(-result)}");
        }
    }

    private void Require(int capability, string name)
    {
        if (_kvm.Ioctl(KvmAbi.CHECK_EXTENSION, capability) <= 0)
            throw new KvmException($"this host's KVM has no {name}");
    }
}
