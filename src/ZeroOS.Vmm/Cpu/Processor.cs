using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Vmm.Kvm;

namespace ZeroOS.Vmm.Cpu;

/// <summary>One virtual processor's thread: run, answer what it asked, run again. It knows two buses and who to tell when it is over; no device.</summary>
internal sealed unsafe class Processor
{
    private const int StackBytes = 256 * 1024;
    private readonly KvmVcpu _vcpu;
    private readonly Bus _ports;
    private readonly Bus _memory;
    private readonly Action<MonitorExit, string> _ended;
    private readonly Action? _seal;
    private readonly Thread _thread;
    private readonly int _id;
    private volatile bool _stop;
    private volatile int _tid;

    /// <summary>
    /// A processor that is ready to run. On its thread, <paramref name="seal"/> is called before the guest runs, and <paramref name="ended"/> once if the
    /// machine cannot go on.
    /// </summary>
    public Processor(int id, KvmVcpu vcpu, Bus ports, Bus memory, Action<MonitorExit, string> ended, Action? seal)
    {
        _id = id;
        _vcpu = vcpu;
        _ports = ports;
        _memory = memory;
        _ended = ended;
        _seal = seal;
        _thread = new Thread(Loop, StackBytes) { IsBackground = true, Name = $"vcpu{id}" };
    }

    /// <summary>Exits by reason.</summary>
    public ExitCounters Exits { get; } = new();

    /// <summary>Begins to run the guest.</summary>
    public void Start() => _thread.Start();

    /// <summary>Makes the thread leave the guest for good and waits until it has. Not called by the thread itself.</summary>
    public void Stop()
    {
        _stop = true;
        if (!_thread.IsAlive)
            return;
        // The kick stays pending until KVM_RUN sees it, so one is enough once the thread has said its number; before that it reads _stop.
        do
        {
            if (_tid != 0)
                KickSignal.Send(_tid);
        }
        while (!_thread.Join(10));
    }

    private void Loop()
    {
        try
        {
            _vcpu.SetSignalMask(KickSignal.BlockInThisThread());
            _tid = KickSignal.ThisThread;
            _seal?.Invoke();
            while (!_stop)
            {
                Errno errno = _vcpu.Run();
                if (errno == Errno.None)
                {
                    if (!Answer(_vcpu.Exit))
                        return;
                }
                else if (errno is Errno.EINTR or Errno.EAGAIN)
                {
                    Exits.Kicks++;
                    KickSignal.Drain();
                }
                else
                {
                    _ended(MonitorExit.KvmError, $"processor {_id}: KVM_RUN failed with {errno}");
                    return;
                }
            }
        }
        catch (Exception e)
        {
            _ended(MonitorExit.MonitorFault, $"processor {_id}: {e.Message}");
        }
    }

    private bool Answer(kvm_run* run)
    {
        switch (run->exit_reason)
        {
            case KvmAbi.EXIT_IO:
                Exits.Ports++;
                AnswerPort(run);
                return true;
            case KvmAbi.EXIT_MMIO:
                Exits.Memory++;
                // SAFETY: mmio_data is 8 bytes inside the shared page; the length is cut to it.
                Span<byte> data = new(run->mmio_data, (int)Math.Min(run->mmio_len, 8));
                if (run->mmio_is_write != 0)
                    _memory.Write(run->mmio_phys_addr, data);
                else
                    _memory.Read(run->mmio_phys_addr, data);
                return true;
            case KvmAbi.EXIT_HLT:
                Exits.Halts++;
                return true;
            case KvmAbi.EXIT_SHUTDOWN:
                _ended(MonitorExit.TripleFault, $"processor {_id}: triple fault at rip 0x{_vcpu.Registers.rip:x}");
                return false;
            case KvmAbi.EXIT_FAIL_ENTRY:
                _ended(MonitorExit.KvmError, $"processor {_id}: entry failed, hardware reason 0x{run->hardware_entry_failure_reason:x}");
                return false;
            case KvmAbi.EXIT_INTERNAL_ERROR:
                _ended(MonitorExit.KvmError, $"processor {_id}: KVM internal error {run->suberror_or_event_type} at rip 0x{_vcpu.Registers.rip:x}");
                return false;
            case KvmAbi.EXIT_SYSTEM_EVENT:
                (MonitorExit exit, string reason) = run->suberror_or_event_type switch
                {
                    KvmAbi.SYSTEM_EVENT_SHUTDOWN => (MonitorExit.PoweredOff, "the guest powered off"),
                    KvmAbi.SYSTEM_EVENT_RESET => (MonitorExit.Reset, "the guest asked for a reset"),
                    _ => (MonitorExit.GuestPanic, "the guest crashed"),
                };
                _ended(exit, reason);
                return false;
            case KvmAbi.EXIT_INTR:
                Exits.Kicks++;
                return true;
            default:
                Exits.Others++;
                _ended(MonitorExit.KvmError, $"processor {_id}: unknown exit {run->exit_reason}");
                return false;
        }
    }

    private void AnswerPort(kvm_run* run)
    {
        // A string instruction brings many items of one port in one exit.
        Span<byte> data = _vcpu.PortData;
        int size = run->io_size;
        for (int at = 0; size > 0 && at + size <= data.Length; at += size)
        {
            if (run->io_direction != 0)
                _ports.Write(run->io_port, data.Slice(at, size));
            else
                _ports.Read(run->io_port, data.Slice(at, size));
        }
    }
}
