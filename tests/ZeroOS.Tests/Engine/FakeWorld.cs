using System.Net;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine;

/// <summary>The node died here: nothing it does from now on has an effect.</summary>
internal sealed class DeathException : Exception;

/// <summary>
/// Everything the engine acts upon, in memory, strict about what may be asked when. It outlives the engine as the kernel and PID 1 outlive the node; it can
/// fail and die at chosen chances before and after every effect.
/// </summary>
internal sealed class FakeWorld(Random random) : INetworks, IVolumes, IImages, IMachines
{
    private readonly List<FileDescriptor> _handedOut = [];
    private IMachineEvents? _events;
    private List<KeyValuePair<WorkloadId, MachineEnd>> _late = [];

    public double FailChance { get; set; }

    public double DeathChance { get; set; }

    public bool NoMonitorStarts { get; set; }

    public bool Dead { get; private set; }

    public List<string> Calls { get; } = [];

    public List<string> Violations { get; } = [];

    public Dictionary<WorkloadId, NetworkData> Networks { get; } = [];

    public HashSet<(WorkloadId Network, WorkloadId Machine)> Cards { get; } = [];

    public IReadOnlyList<PortMapping> Published { get; private set; } = [];

    public Dictionary<WorkloadId, long> Disks { get; } = [];

    public HashSet<WorkloadId> EverMade { get; } = [];

    public HashSet<WorkloadId> MayBeDestroyed { get; } = [];

    public Dictionary<WorkloadId, MachineStart> Machines { get; } = [];

    public Dictionary<WorkloadId, GuestStop> Stopping { get; } = [];

    public Dictionary<WorkloadId, MachineEnd> Unacknowledged { get; } = [];

    public HashSet<WorkloadId> Served { get; } = [];

    public Dictionary<string, FakeImage> Images { get; } = [];

    public HashSet<string> Missing { get; } = [];

    /// <summary>A stop is obeyed at once instead of at <see cref="Obey"/>.</summary>
    public bool ObeysAtOnce { get; set; } = true;

    public IReadOnlyList<WorkloadId> Ending => [.. Unacknowledged.Keys];

    public IReadOnlyList<WorkloadId> Running => [.. Machines.Keys];

    public IMachineEvents Events
    {
        set
        {
            _events = value;
            _late = [.. Unacknowledged];
            if (random.Next(2) == 0)
                TellLate();
            // A guest connects again and says that its program runs.
            foreach (WorkloadId id in Machines.Keys)
                _events.Started(id);
        }
    }

    public int OpenDescriptors => _handedOut.Count(d => !d.IsClosed);

    /// <summary>Dies now, or at the next chance.</summary>
    public void MaybeDie()
    {
        if (Dead || (DeathChance > 0 && random.NextDouble() < DeathChance))
        {
            Dead = true;
            throw new DeathException();
        }
    }

    public void Die() => Dead = true;

    /// <summary>The node is started again; machines ran on.</summary>
    public void Revive()
    {
        Dead = false;
        _events = null;
        _late = [];
        Served.Clear();
    }

    /// <summary>The power went: only disks are left.</summary>
    public void LosePower()
    {
        Revive();
        Networks.Clear();
        Cards.Clear();
        Published = [];
        Machines.Clear();
        Stopping.Clear();
        Unacknowledged.Clear();
    }

    /// <summary>A machine's program says it runs.</summary>
    public void Report(WorkloadId machine) => _events?.Started(machine);

    /// <summary>A machine's guest says how its program is.</summary>
    public void Report(WorkloadId machine, HealthState state) => _events?.Health(machine, new GuestHealthReport { State = state });

    /// <summary>A machine ends.</summary>
    public void End(WorkloadId machine, int code) =>
        End(machine, new MachineEnd { Monitor = MonitorExit.PoweredOff, Workload = new GuestExited { Code = code }, Reason = "powered off" });

    /// <summary>A machine ends in its own way.</summary>
    public void End(WorkloadId machine, MachineEnd end)
    {
        Machines.Remove(machine);
        Stopping.Remove(machine);
        Unacknowledged[machine] = end;
        if (!Dead)
            _events?.Ended(machine, Unacknowledged[machine]);
    }

    /// <summary>Ends from before the node's start are told a moment after it.</summary>
    public void TellLate()
    {
        foreach ((WorkloadId id, MachineEnd end) in _late)
            _events?.Ended(id, end);
        _late = [];
    }

    /// <summary>All machines that were asked to stop do.</summary>
    public void Obey()
    {
        TellLate();
        foreach ((WorkloadId machine, GuestStop stop) in Stopping.ToList())
            End(machine, stop.Signal == "SIGKILL" ? 137 : 143);
    }

    public void Ensure(WorkloadId network, NetworkData data) => Do($"network {network}", () =>
    {
        if (Networks.TryGetValue(network, out NetworkData? made) && made != data)
            Violations.Add($"network {network} is {made}, asked for {data} without a removal");
        Networks[network] = data;
    });

    void INetworks.Remove(WorkloadId network) => Do($"remove network {network}", () =>
    {
        if (Cards.Any(c => c.Network == network))
            Violations.Add($"network {network} removed with cards in it");
        if (Published.Any(p => p.Network == network))
            Violations.Add($"network {network} removed while ports lead into it");
        Networks.Remove(network);
    });

    public MachineNic Attach(WorkloadId network, WorkloadId machine, IPAddress address)
    {
        Do($"attach {machine} to {network.Name}", () =>
        {
            if (!Networks.ContainsKey(network))
                Violations.Add($"{machine} attached to {network}, which is not there");
            Cards.Add((network, machine));
        });
        bool leadsOut = !Networks[network].Internal;
        return new MachineNic(HandOut("tap"), "02:00:00:00:00:01", $"{address}/24", "10.0.0.1", leadsOut, 1500, leadsOut ? ["10.0.0.1"] : []);
    }

    public void Detach(WorkloadId network, WorkloadId machine) => Do($"detach {machine} from {network.Name}", () =>
    {
        if (Machines.ContainsKey(machine))
            Violations.Add($"{machine} detached while it runs");
        Cards.Remove((network, machine));
    });

    public void Publish(IReadOnlyList<PortMapping> mappings) => Do($"publish {mappings.Count}", () =>
    {
        foreach (PortMapping mapping in mappings.Where(m => !Networks.ContainsKey(m.Network)))
            Violations.Add($"port {mapping.HostPort} leads into {mapping.Network}, which is not there");
        Published = mappings;
    });

    public void Ensure(WorkloadId volume, long sizeBytes) => Do($"disk {volume}", () =>
    {
        if (Disks.TryGetValue(volume, out long size) && size > sizeBytes)
            Violations.Add($"disk {volume} shrinks from {size} to {sizeBytes}");
        Disks[volume] = Math.Max(size, sizeBytes);
        EverMade.Add(volume);
    });

    public FileDescriptor Open(WorkloadId volume, bool readOnly)
    {
        Do(readOnly ? $"open {volume} read-only" : $"open {volume}", () =>
        {
            if (!Disks.ContainsKey(volume))
                throw new WorkloadException("no-volume", $"{volume} is not there");
            if (Machines.Values.Any(m => m.Disks.Any(d => d.Serial == TestNames.Names.SerialOf(volume))))
                throw new WorkloadException("volume-busy", $"{volume} is open");
        });
        return HandOut("disk");
    }

    public void Destroy(WorkloadId volume) => Do($"destroy {volume}", () =>
    {
        if (!volume.Name.EndsWith(".root", StringComparison.Ordinal) && Disks.ContainsKey(volume) && !MayBeDestroyed.Contains(volume))
            Violations.Add($"volume {volume} destroyed without a message naming it");
        if (Machines.Values.Any(m => m.Disks.Any(d => d.Serial == TestNames.Names.SerialOf(volume))))
            Violations.Add($"disk {volume} destroyed under a running machine");
        Disks.Remove(volume);
        EverMade.Remove(volume);
    });

    public IReadOnlyList<(WorkloadId Volume, long SizeBytes)> List() => [.. Disks.Select(d => (d.Key, d.Value))];

    public Task<IImage> PrepareAsync(string tenant, FlistReference reference, CancellationToken cancellation)
    {
        if (Missing.Contains(reference.Digest))
            return Task.FromException<IImage>(new WorkloadException("image-not-found", "the registry has no such digest", permanent: true));
        Do($"image {reference.Digest[..10]}", () => Images.TryAdd(reference.Digest, new FakeImage(reference.Digest)));
        return Task.FromResult<IImage>(Images[reference.Digest]);
    }

    public void Start(WorkloadId machine, MachineStart start)
    {
        Do($"start {machine}", () =>
        {
            if (NoMonitorStarts)
                throw new WorkloadException("spawn-failed", "no monitor starts");
            if (!Machines.TryAdd(machine, start))
                Violations.Add($"{machine} started twice");
            if (Unacknowledged.ContainsKey(machine))
                Violations.Add($"{machine} started before its last end was stored");
            foreach (IDisposable descriptor in start.Disks.Select(d => d.Disk).Concat(start.Nics.Select(n => n.Tap)))
                descriptor.Dispose();
            Served.Add(machine);
        });
        Report(machine);
    }

    public void Stop(WorkloadId machine, GuestStop stop)
    {
        Do($"stop {machine}", () =>
        {
            if (!Machines.ContainsKey(machine))
                Violations.Add($"{machine} stopped though it does not run");
            Stopping[machine] = stop;
        });
        if (ObeysAtOnce)
            Obey();
    }

    /// <summary>Signals that guests got.</summary>
    public List<(WorkloadId Machine, int Signal)> Signals { get; } = [];

    /// <summary>No guest is connected just now.</summary>
    public bool Deaf { get; set; }

    public Task SignalAsync(WorkloadId machine, int signal, CancellationToken cancellation)
    {
        if (Deaf || !Machines.ContainsKey(machine))
            return Task.FromException(new WorkloadException("not-running", "its guest is not connected"));
        MaybeDie();
        Signals.Add((machine, signal));
        MaybeDie();
        return Task.CompletedTask;
    }

    /// <summary>What machines use, as far as they say; of others nothing but their memory.</summary>
    public Dictionary<WorkloadId, MachineUse> Uses { get; } = [];

    public Task<MachineUse> UseAsync(WorkloadId machine, CancellationToken cancellation) => Machines.TryGetValue(machine, out MachineStart? start)
        ? Task.FromResult(Uses.GetValueOrDefault(machine) ?? new MachineUse(0, 0, start.MemoryBytes, null, null, null, null, null))
        : Task.FromException<MachineUse>(new WorkloadException("not-running", "it does not run"));

    /// <summary>Sessions that were asked for.</summary>
    public List<(WorkloadId Machine, string Kind)> Sessions { get; } = [];

    public Task<Stream> OpenSessionAsync(WorkloadId machine, string kind, CancellationToken cancellation)
    {
        Sessions.Add((machine, kind));
        return Machines.ContainsKey(machine) ? Task.FromResult<Stream>(new MemoryStream())
            : Task.FromException<Stream>(new WorkloadException("not-running", "it does not run"));
    }

    public void ServeImage(WorkloadId machine, IImage image) => Do($"serve {machine}", () => Served.Add(machine));

    public void Acknowledge(WorkloadId machine) => Do($"acknowledge {machine}", () => Unacknowledged.Remove(machine));

    private void Do(string what, Action effect)
    {
        MaybeDie();
        if (FailChance > 0 && random.NextDouble() < FailChance)
            throw random.Next(2) == 0 ? new WorkloadException("by-chance", what) : new LinuxException(Errno.EIO, "by chance", what);
        Calls.Add(what);
        effect();
        MaybeDie();
    }

    private FileDescriptor HandOut(string name)
    {
        FileDescriptor descriptor = FileDescriptor.Memory(name);
        _handedOut.Add(descriptor);
        return descriptor;
    }
}
