using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Vmm.Boot;
using ZeroOS.Vmm.Control;
using ZeroOS.Vmm.Cpu;
using ZeroOS.Vmm.Devices.Power;
using ZeroOS.Vmm.Devices.Serial;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Kvm;
using ZeroOS.Vmm.Memory;
using ZeroOS.Vmm.Pci;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm;

/// <summary>One computer: built in the order its boot happens, run until it ends, and how it ended.</summary>
internal sealed unsafe class Machine : IDisposable
{
    private readonly EventLoop _loop = new();
    private readonly Bus _ports = new();
    private readonly Bus _mmio = new();
    private readonly Lock _gate = new();
    private readonly List<Processor> _processors = [];
    private readonly List<KvmVcpu> _vcpus = [];
    private readonly List<VirtioPciFunction> _functions = [];
    private readonly PanicWatcher _panic = new();
    private readonly GuestMemory _memory;
    private readonly KvmVm _vm;
    private SerialPort? _serial;
    private ControlSocket? _control;
    private (MonitorExit Exit, string Reason)? _end;

    private Machine(KvmDevice kvm, long memoryBytes)
    {
        _memory = GuestMemory.Allocate(memoryBytes);
        _vm = kvm.CreateVm();
    }

    /// <summary>
    /// Makes the machine of a configuration that was checked. Nothing runs yet. <paramref name="sealProcessor"/> is called by each processor's thread before it
    /// runs the guest.
    /// </summary>
    /// <exception cref="KvmException">KVM refused something.</exception>
    /// <exception cref="BootException">The kernel or initramfs cannot be started.</exception>
    public static Machine Build(VmConfig config, Action? sealProcessor = null)
    {
        KvmDevice kvm = new(new FileDescriptor(config.KvmDescriptor));
        Machine m = new(kvm, config.MemoryBytes);
        m.AddMemorySlots();
        m._control = new ControlSocket(m._loop, new SeqPacketSocket(new FileDescriptor(config.ControlDescriptor)), m.End, m.Statistics);
        IReadOnlyList<VirtioDevice> devices = MachineDevices.Open(config, m._loop, m._memory, m._control);
        PciRoot root = m.MakePciRoot(devices.Count, kvm.HasReadOnlyMemory);
        m._vm.CreateInterruptChips();
        LoadedKernel kernel = m.LoadKernel(config);
        InterruptRoutes routes = new(m._vm);
        m.AddPlatform(config);
        m._mmio.Add(Layout.Ecam, Layout.EcamSize, root);
        foreach (VirtioDevice device in devices)
            m.Plug(root, routes, device);
        m.AddProcessors(kvm, config.Cpus, kernel, sealProcessor);
        return m;
    }

    /// <summary>Runs until the guest or the node ends it.</summary>
    public (MonitorExit Exit, string Reason) Run()
    {
        _control!.Say(MachineState.Running, "");
        foreach (Processor p in _processors)
            p.Start();
        _loop.Run();
        foreach (Processor p in _processors)
            p.Stop();
        _serial!.Drain();
        (MonitorExit exit, string reason) = Ending();
        _control.Say(MachineState.Ended, reason);
        return (exit, reason);
    }

    /// <summary>Ends the machine; the first reason counts. Any thread.</summary>
    public void End(MonitorExit exit, string reason)
    {
        lock (_gate)
            _end ??= (exit, reason);
        _loop.Stop();
    }

    /// <summary>Counters by name.</summary>
    public Dictionary<string, long> Statistics()
    {
        var counters = new Dictionary<string, long>
        {
            ["exits.ports"] = _processors.Sum(p => p.Exits.Ports),
            ["exits.memory"] = _processors.Sum(p => p.Exits.Memory),
            ["exits.halts"] = _processors.Sum(p => p.Exits.Halts),
            ["exits.kicks"] = _processors.Sum(p => p.Exits.Kicks),
            ["bus.unclaimed"] = _ports.Unclaimed + _mmio.Unclaimed,
            ["loop.wakeups"] = _loop.Wakeups,
            ["serial.bytes"] = _serial!.Bytes,
            ["serial.dropped"] = _serial.Dropped,
            ["gc.collections"] = GC.CollectionCount(0),
        };
        foreach (VirtioPciFunction f in _functions)
        {
            foreach ((string name, long value) in f.Device.Counters.ByName)
                counters[$"{f.Device.Name}.{name}"] = value;
        }
        return counters;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (KvmVcpu vcpu in _vcpus)
            vcpu.Dispose();
        _vm.Dispose();
        _serial?.Dispose();
        _loop.Dispose();
        _memory.KeepAlive();
    }

    private void AddMemorySlots()
    {
        _vm.ReserveKvmPages(Layout.KvmIdentityMap, Layout.KvmTaskState);
        _vm.AddMemory(0, 0, _memory.Low, _memory.LowSize);
        if (_memory.HighSize > 0)
            _vm.AddMemory(1, Layout.FourGiB, _memory.High, _memory.HighSize);
    }

    // The slots of the devices there will be; the empty ones behind them are read once each.
    private PciRoot MakePciRoot(int devices, bool inMemory)
    {
        if (!inMemory)
            return new PciRoot();
        MemoryMapping image = MemoryMapping.Anonymous(devices * (long)PciRoot.SlotBytes);
        _vm.AddMemory(2, Layout.Ecam, image.Pointer, (ulong)image.Size, readOnly: true);
        return new PciRoot(image);
    }

    private LoadedKernel LoadKernel(VmConfig config)
    {
        using FileDescriptor file = new(config.KernelDescriptor);
        using FileDescriptor initrd = new(config.InitrdDescriptor);
        LoadedKernel kernel = KernelImage.Load(file, _memory);
        ulong rsdp = AcpiTables.Write(_memory, config.Cpus);
        BootData.Write(_memory, kernel, config.CommandLine, initrd, rsdp);
        BootRegisters.PlaceTables(_memory, kernel.Protocol);
        return kernel;
    }

    private void AddPlatform(VmConfig config)
    {
        FileDescriptor? output = config.SerialDescriptor >= 0 ? new FileDescriptor(config.SerialDescriptor) : null;
        _serial = new SerialPort(_loop, output, _panic.Next);
        _ports.Add(Layout.Serial, 8, _serial);
        _vm.AssignInterrupt(_serial.Interrupt, Layout.SerialInterrupt);
        _ports.Add(Layout.SleepControl, PowerRegisters.PortCount, new PowerRegisters(End));
        _ports.Add(Layout.Keyboard, 1, new KeyboardController(End));
        _ports.Add(Layout.Panic, 1, new PanicNotice(End));
        PowerButton button = new();
        _vm.AssignInterrupt(button.Interrupt, Layout.EventInterrupt);
        _control!.PowerButton = button.Press;
    }

    private void Plug(PciRoot root, InterruptRoutes routes, VirtioDevice device)
    {
        VirtioPciFunction function = new(device, _memory, routes, _loop);
        ulong bar = Layout.MmioStart + ((ulong)_functions.Count * VirtioPciFunction.BarBytes);
        function.AssignBar(bar, VirtioPciFunction.BarBytes);
        root.Add(function);
        _mmio.Add(bar, VirtioPciFunction.BarBytes, function);
        foreach ((EventFd kick, uint offset, ushort value) in function.Notifications)
            _vm.AssignNotification(bar + offset, value, kick);
        _functions.Add(function);
    }

    private void AddProcessors(KvmDevice kvm, int cpus, LoadedKernel kernel, Action? seal)
    {
        kvm_cpuid_entry2[] supported = kvm.SupportedCpuid();
        bool deadline = kvm.HasTscDeadline;
        for (int id = 0; id < cpus; id++)
        {
            KvmVcpu vcpu = _vm.CreateVcpu(id);
            _vcpus.Add(vcpu);
            vcpu.SetCpuid(CpuidTable.For(supported, id, cpus, deadline));
            BootRegisters.ApplyCommon(vcpu);
            if (id == 0)
                BootRegisters.Apply(vcpu, kernel);
            _processors.Add(new Processor(id, vcpu, _ports, _mmio, End, seal));
        }
    }

    private (MonitorExit Exit, string Reason) Ending()
    {
        (MonitorExit exit, string reason) = _end ?? (MonitorExit.MonitorFault, "the event loop ended by itself");
        // Linux resets itself after a panic (panic=-1): what it printed tells the two apart.
        return exit == MonitorExit.Reset && _panic.Reason is { } line ? (MonitorExit.GuestPanic, line) : (exit, reason);
    }
}
