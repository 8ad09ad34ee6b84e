using System.Collections.Concurrent;

using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Logs;

/// <summary>
/// The output of every machine, 8 MiB of each, in a directory of its own (<see cref="LogPlace"/>): no text of a tenant's is ever part of a path. It is on the
/// medium within a second (<see cref="LogSyncer"/>). Thread-safe.
/// </summary>
public sealed class LogStore : IDisposable
{
    private readonly ConcurrentDictionary<WorkloadId, MachineLog> _logs = new();
    private readonly string _directory;
    private readonly WorkloadNames _names;
    private readonly bool _onTrial;
    private readonly long _limitBytes;
    private readonly TimeProvider _time;
    private readonly LogSync _sync;
    private readonly LogSyncer _syncer;

    /// <summary>
    /// Uses, and makes, <paramref name="directory"/>. A version <paramref name="onTrial"/> writes what the version before reads. Says in
    /// <paramref name="log"/> when the disk does not take what is to be on the medium.
    /// </summary>
    public LogStore(string directory, WorkloadNames names, bool onTrial, ILog log) : this(directory, names, onTrial, log: log, sync: null)
    {
    }

    /// <summary>As above; tests play limit, clock and disk.</summary>
    internal LogStore(string directory, WorkloadNames names, bool onTrial = false, long limitBytes = ResourceUse.LogBytes, TimeProvider? time = null,
        LogSync? sync = null, ILog? log = null)
    {
        (_directory, _names, _onTrial, _limitBytes) = (directory, names, onTrial, limitBytes);
        (_time, _sync) = (time ?? TimeProvider.System, sync ?? LogDisk.Sync);
        _syncer = new LogSyncer(_time, log);
        if (!Directory.Exists(directory))
        {
            Directory.CreateDirectory(directory);
            _sync(Path.GetDirectoryName(directory)!, true);
        }
    }

    /// <summary>
    /// Moves what an earlier version wrote about <paramref name="machines"/> to where it belongs, and deletes what belongs to none of them. Output that two
    /// machines could claim is nobody's. Call it once, before anything else. False: the disk refuses; what was not moved is tried again at the next start.
    /// </summary>
    public bool TakeOver(IEnumerable<WorkloadId> machines)
    {
        if (_onTrial)
            return true;
        try
        {
            MoveFormer(machines);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void MoveFormer(IEnumerable<WorkloadId> machines)
    {
        foreach (IGrouping<string, WorkloadId> claimants in machines.GroupBy(m => m.FormerName).Where(g => g.Count() == 1))
            LogPlace.Own(_directory, _names, claimants.Single()).TakeOver(LogPlace.Former(_directory, claimants.Single()));
        foreach (string file in Directory.EnumerateFiles(_directory, "*" + LogPlace.Suffix).ToList())
            File.Delete(file);
        foreach (string half in Directory.EnumerateDirectories(_directory, LogPlace.New + "*").ToList())
            Directory.Delete(half, recursive: true);
    }

    /// <summary>A machine is about to start: its output counts from 0 again.</summary>
    public void Begin(WorkloadId machine) => Of(machine).Begin();

    /// <summary>Adds output of a machine; <paramref name="offset"/> counts from its start.</summary>
    public void Append(WorkloadId machine, long offset, OutputStream stream, ReadOnlySpan<byte> bytes) => Of(machine).Append(offset, stream, bytes);

    /// <summary>From which offset output is not stored yet.</summary>
    public long WantedFrom(WorkloadId machine) => Of(machine).Wanted;

    /// <summary>
    /// Waits until a machine's output is on the medium, so that its end is not there before its last words. A disk that refuses costs output and stops nothing.
    /// </summary>
    public void Sync(WorkloadId machine) => _syncer.Sync(Of(machine));

    /// <summary>A machine's state changed: whoever reads its output looks again, for it may be at rest.</summary>
    public void Wake(WorkloadId machine)
    {
        if (_logs.TryGetValue(machine, out MachineLog? log))
            log.Changed.Fire();
    }

    /// <summary>Whether somebody reads a machine's output just now.</summary>
    public bool IsRead(WorkloadId machine) => _logs.TryGetValue(machine, out MachineLog? log) && log.Readers > 0;

    /// <summary>Deletes what is stored of a machine.</summary>
    public void Remove(WorkloadId machine)
    {
        Of(machine).Remove();
        _logs.TryRemove(machine, out _);
    }

    /// <summary>Brings all output onto the medium. What is added later need not get there.</summary>
    public void Dispose() => _syncer.Dispose();

    internal MachineLog Of(WorkloadId machine)
    {
        if (_logs.TryGetValue(machine, out MachineLog? log))
            return log;
        lock (_logs)        // two logs over one file would write over each other
            return _logs.GetOrAdd(machine, static (m, self) => self.Open(m), this);
    }

    private MachineLog Open(WorkloadId machine)
    {
        LogPlace own = LogPlace.Own(_directory, _names, machine);
        return new MachineLog(own.Exists() || !_onTrial ? own : LogPlace.Former(_directory, machine), _limitBytes, _time, _sync, _syncer);
    }
}
