using System.Collections.Concurrent;

using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Logs;

/// <summary>The output of every machine, 8 MiB of each, in files named by the machine's short id: no text of a tenant's is ever part of a path. Thread-safe.</summary>
public sealed class LogStore
{
    private readonly ConcurrentDictionary<WorkloadId, MachineLog> _logs = new();
    private readonly string _directory;
    private readonly long _limitBytes;

    /// <summary>Uses, and makes, <paramref name="directory"/>.</summary>
    public LogStore(string directory, long limitBytes = ResourceUse.LogBytes)
    {
        Directory.CreateDirectory(directory);
        (_directory, _limitBytes) = (directory, limitBytes);
    }

    /// <summary>A machine is about to start: its output counts from 0 again.</summary>
    public void Begin(WorkloadId machine) => Of(machine).Begin();

    /// <summary>Adds output of a machine; <paramref name="offset"/> counts from its start.</summary>
    public void Append(WorkloadId machine, long offset, int stream, ReadOnlySpan<byte> bytes) => Of(machine).Append(offset, stream, bytes);

    /// <summary>From which offset output is not stored yet.</summary>
    public long WantedFrom(WorkloadId machine) => Of(machine).Wanted;

    /// <summary>A machine's state changed: whoever reads its output looks again, for it may be at rest.</summary>
    public void Wake(WorkloadId machine)
    {
        if (_logs.TryGetValue(machine, out MachineLog? log))
            log.Changed.Fire();
    }

    /// <summary>Deletes what is stored of a machine.</summary>
    public void Remove(WorkloadId machine)
    {
        Of(machine).Remove();
        _logs.TryRemove(machine, out _);
    }

    internal MachineLog Of(WorkloadId machine)
    {
        if (_logs.TryGetValue(machine, out MachineLog? log))
            return log;
        lock (_logs)        // two logs over one file would write over each other
            return _logs.GetOrAdd(machine, static (m, self) => new MachineLog(self._directory, m.Short, self._limitBytes), this);
    }
}
