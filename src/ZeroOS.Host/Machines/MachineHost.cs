using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Init;
using ZeroOS.Host.Processes;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Machines;

/// <summary>
/// Machines as jailed monitors that PID 1 starts and holds. What a later node needs to go on is kept at PID 1 before the monitor is started, under the
/// monitor's name and in the order of <see cref="Kept"/>.
/// </summary>
internal sealed class MachineHost : IMachines, IDisposable
{
    // Beside the guest's memory: the monitor itself, page tables for the guest, and page cache of its disks, which the kernel gives back when it must.
    private const long MonitorMemory = 96 << 20;
    private const string Prefix = "vm-";
    private readonly InitConnection _init;
    private readonly WorkloadNames _names;
    private readonly GuestFiles _files;
    private readonly MachineContext _context;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, RunningMachine> _machines = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SeqPacketSocket> _unserved = new(StringComparer.Ordinal);
    private readonly List<(HeldProcess Process, Kept Kept)> _left = [];
    private readonly HashSet<string> _forgotten = new(StringComparer.Ordinal);
    private IMachineEvents? _events;

    /// <summary>Takes over the monitors among what a former node <paramref name="left"/>, their descriptors included; drops what has no process.
    /// Their events come once <see cref="Events"/> is set.</summary>
    public MachineHost(InitConnection init, HandedOver left, WorkloadNames names, ILog log, GuestFiles? files = null, MemoryReadings? memory = null,
        SessionTimes? sessions = null)
    {
        (_init, _names, _files) = (init, names, files ?? GuestFiles.OnNode);
        _context = new MachineContext(init, log, memory ?? MemoryReadings.OfKernel, sessions);
        _init.Exited += Exited;
        Dictionary<string, FileDescriptor[]> kept = left.Kept.Where(k => k.Key.StartsWith(Prefix, StringComparison.Ordinal)).ToDictionary();
        foreach (HeldProcess process in left.Processes.Where(p => p.Program == JailedProgram.Monitor))
        {
            kept.Remove(process.Name, out FileDescriptor[]? descriptors);
            if (Kept.TryTake(descriptors ?? []) is { } taken)
            {
                _left.Add((process, taken));
                continue;
            }
            // Nobody knows what this is: its record is not whole. It cannot be spoken to, so it cannot stay.
            log.Error($"monitor={process.Name} left without its record, killing it");
            _forgotten.Add(process.Name);
            try
            {
                _init.Kill(process.Name);
                if (process.HasEnded)
                    Forget(process.Name);
            }
            catch (InitRefusedException e)
            {
                // It costs its memory until the next start; the others must not wait for it.
                log.Error($"monitor={process.Name} stays: {e.Message}");
            }
        }
        foreach ((string name, FileDescriptor[] descriptors) in kept)
        {
            // The former node died between keeping and starting.
            Array.ForEach(descriptors, d => d.Dispose());
            _init.Drop(name);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<WorkloadId> Running
    {
        get
        {
            lock (_lock)
            {
                return [.. _machines.Values.Where(m => !m.HasEnded).Select(m => m.Id), .. _left.Where(l => !l.Process.HasEnded).Select(l => l.Kept.Record.Id)];
            }
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<WorkloadId> Ending
    {
        get
        {
            lock (_lock)
                return [.. _machines.Values.Where(m => m.HasEnded).Select(m => m.Id), .. _left.Where(l => l.Process.HasEnded).Select(l => l.Kept.Record.Id)];
        }
    }

    /// <inheritdoc/>
    public IMachineEvents Events
    {
        set
        {
            lock (_lock)
            {
                _events = value;
                foreach ((HeldProcess process, Kept kept) in _left)
                {
                    RunningMachine machine = new(process.Name, kept.Record, kept.Control, kept.Serial, process.Pid, _context, value);
                    _machines[process.Name] = machine;
                    _unserved[process.Name] = kept.Chunks;
                    machine.Run(adopted: !process.HasEnded);
                    if (process.HasEnded)
                        machine.ProcessEnded(process);
                }
                _left.Clear();
            }
        }
    }

    /// <inheritdoc/>
    public void Start(WorkloadId machine, MachineStart start)
    {
        string name = NameOf(machine);
        List<FileDescriptor> borrowed = [.. start.Disks.Select(d => d.Disk), .. start.Nics.Select(n => n.Tap)];
        lock (_lock)
        {
            try
            {
                if (_events is null)
                    throw new WorkloadException("spawn-failed", "the machines' events have no listener yet");
                if (_machines.ContainsKey(name))
                    throw new WorkloadException("already-running", $"machine {machine} runs already, or its end is not acknowledged");
                Launch(name, machine, start, borrowed);
            }
            catch (Exception e) when (e is LinuxException or InitRefusedException)
            {
                throw new WorkloadException("spawn-failed", $"machine {machine} does not start: {e.Message}");
            }
            finally
            {
                borrowed.ForEach(d => d.Dispose());
            }
        }
    }

    /// <inheritdoc/>
    public void Stop(WorkloadId machine, GuestStop stop) => Find(machine)?.Stop(stop);

    /// <inheritdoc/>
    public Task<Stream> OpenSessionAsync(WorkloadId machine, string kind, CancellationToken cancellation) =>
        Find(machine)?.OpenSessionAsync(kind, cancellation)
            ?? Task.FromException<Stream>(NotRunning(machine));

    /// <inheritdoc/>
    public Task SignalAsync(WorkloadId machine, int signal, CancellationToken cancellation) =>
        Find(machine)?.SignalAsync(signal, cancellation) ?? Task.FromException(NotRunning(machine));

    /// <inheritdoc/>
    public Task<MachineUse> UseAsync(WorkloadId machine, CancellationToken cancellation) =>
        Find(machine)?.UseAsync(cancellation) ?? Task.FromException<MachineUse>(NotRunning(machine));

    /// <inheritdoc/>
    public void ServeImage(WorkloadId machine, IImage image)
    {
        SeqPacketSocket? chunks = null;
        lock (_lock)
            _ = Find(machine) is not null && _unserved.Remove(NameOf(machine), out chunks);
        // Serving begins with a hello, to which the monitor repeats what it still waits for: what was asked of the former node is lost.
        if (chunks is not null)
            image.Serve(chunks);
    }

    /// <inheritdoc/>
    public void Acknowledge(WorkloadId machine)
    {
        string name = NameOf(machine);
        RunningMachine? ended;
        lock (_lock)
        {
            if (!_machines.TryGetValue(name, out ended) || ended.Id != machine || !ended.HasEnded)
                return;
            _machines.Remove(name);
            if (_unserved.Remove(name, out SeqPacketSocket? chunks))
                chunks.Dispose();
        }
        ended.Forget();
        Forget(name);
    }

    /// <summary>Lets go of all machines, which go on; the next node finds them at PID 1.</summary>
    public void Dispose()
    {
        _init.Exited -= Exited;
        RunningMachine[] machines;
        lock (_lock)
        {
            machines = [.. _machines.Values];
            _machines.Clear();
        }
        // Nothing is read any more; what was read is stored before the next node asks from where to go on.
        _context.Loop.Dispose();
        Array.ForEach(machines, m => m.Abandon());
        _context.Dispose();
    }

    private void Launch(string name, WorkloadId id, MachineStart start, IReadOnlyList<FileDescriptor> borrowed)
    {
        (SeqPacketSocket control, SeqPacketSocket monitorControl) = SeqPacketSocket.Pair();
        (SeqPacketSocket chunks, SeqPacketSocket monitorChunks) = SeqPacketSocket.Pair();
        (FileDescriptor serial, FileDescriptor monitorSerial) = Pipe.NonBlocking();
        MachineRecord record = MachineRecord.Create(id, start.Spec, start.MemoryBytes,
            start.ReservedBytes > 0 ? start.ReservedBytes : start.MemoryBytes + MonitorMemory);
        int pid;
        try
        {
            using MonitorPlan plan = MonitorPlan.Make(start, _files, monitorControl.Descriptor, monitorChunks.Descriptor, monitorSerial);
            // Kept first: a node that dies after the start finds the machine, one that dies before finds descriptors without a process.
            _init.Keep(name, [record.File, control.Descriptor, serial, chunks.Descriptor, .. borrowed]);
            pid = _init.Start(JailedProgram.Monitor, name, [$"{InitLimits.FirstDescriptor}"], start.MemoryBytes + MonitorMemory, plan.Descriptors, plan.Output,
                plan.LargestDisk, start.Cpus);
        }
        catch
        {
            control.Dispose();
            chunks.Dispose();
            serial.Dispose();
            record.Dispose();
            _init.Drop(name);
            throw;
        }
        RunningMachine machine = new(name, record, control, serial, pid, _context, _events!);
        _machines[name] = machine;
        machine.Run(adopted: false);
        start.Image.Serve(chunks);
    }

    private void Exited(HeldProcess process)
    {
        RunningMachine? machine;
        lock (_lock)
        {
            _machines.TryGetValue(process.Name, out machine);
            int left = _left.FindIndex(l => l.Process.Name == process.Name);
            if (left >= 0)
                _left[left] = (process, _left[left].Kept);
        }
        machine?.ProcessEnded(process);
        if (_forgotten.Remove(process.Name))
            Forget(process.Name);
    }

    private void Forget(string name)
    {
        _init.Acknowledge(name);
        _init.Drop(name);
    }

    private static WorkloadException NotRunning(WorkloadId machine) => new("not-running", $"machine {machine} does not run");

    private string NameOf(WorkloadId machine) => Prefix + _names.Of(machine);

    private RunningMachine? Find(WorkloadId machine)
    {
        lock (_lock)
            return _machines.TryGetValue(NameOf(machine), out RunningMachine? found) && found.Id == machine ? found : null;
    }

    /// <summary>What PID 1 keeps for a machine, in this order, then its disks and taps; after its end only the record.</summary>
    private sealed record Kept(MachineRecord Record, SeqPacketSocket Control, FileDescriptor Serial, SeqPacketSocket Chunks)
    {
        /// <summary>Takes the descriptors; those of disks and taps are closed here, PID 1's and the monitor's hold them.</summary>
        public static Kept? TryTake(FileDescriptor[] descriptors)
        {
            const int Known = 4;
            MachineRecord? record = descriptors.Length > 0 ? MachineRecord.TryRead(descriptors[0]) : null;
            foreach (FileDescriptor other in descriptors.Skip(record is null ? 0 : Known))
                other.Dispose();
            if (record is null)
                return null;
            return descriptors.Length < Known
                ? new Kept(record, Silent(), Pipe.Ended(), Silent())
                : new Kept(record, new SeqPacketSocket(descriptors[1]), descriptors[2], new SeqPacketSocket(descriptors[3]));
        }

        private static SeqPacketSocket Silent()
        {
            (SeqPacketSocket one, SeqPacketSocket other) = SeqPacketSocket.Pair();
            other.Dispose();
            return one;
        }
    }
}
