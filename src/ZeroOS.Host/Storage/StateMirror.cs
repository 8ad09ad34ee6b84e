using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>
/// The node's state on every disk of the pool, so that no single disk holds its only memory. The node works with the first directory; the others follow. What
/// the database holds, the store writes to every copy itself; this copies the other files, keeps the generations, and strikes a disk that fails from the list:
/// on the others first, so that it is never taken for the newest when it comes back. Any thread may call.
/// </summary>
public sealed class StateMirror : IDisposable
{
    private const string Database = "node.db", DatabaseCopies = "node.db.schema", Identity = "identity", Ledger = "ledger";
    private static readonly TimeSpan s_between = TimeSpan.FromSeconds(30);

    private readonly List<string> _directories;
    private readonly ILog _log;
    private readonly Lock _lock = new();
    private ulong _generation;
    private Timer? _timer;

    /// <summary>Of disks in use, the node's newest first.</summary>
    internal StateMirror(IReadOnlyList<string> stateDirectories, ILog log)
    {
        (_directories, _log) = ([.. stateDirectories], log);
        (Primary, _generation) = (_directories[0], StateGeneration.Read(_directories[0]));
    }

    /// <summary>The directory that the node works with.</summary>
    public string Primary { get; }

    /// <summary>Every directory that still holds the state, <see cref="Primary"/> first.</summary>
    public IReadOnlyList<string> Directories
    {
        get
        {
            lock (_lock)
                return [.. _directories];
        }
    }

    /// <summary>
    /// <see cref="Primary"/> failed and another directory has the state: the node has to start again. Told once, on the thread that found it out.
    /// </summary>
    public event Action? PrimaryLost;

    /// <summary>What was lost since the start, a sentence; null while all is well.</summary>
    public string? Trouble { get; private set; }

    /// <summary>The disks with the newest state first, and of those the first of the pool: it had every change before the others had it.</summary>
    internal static IEnumerable<T> NewestFirst<T>(IEnumerable<T> pool, Func<T, (string StateDirectory, uint Index)> of) =>
        pool.OrderByDescending(d => StateGeneration.Read(of(d).StateDirectory)).ThenBy(d => of(d).Index);

    /// <summary>
    /// Brings every other disk to the state of the first: files here, the database by <paramref name="copyDatabase"/>, which gets the directory. A disk says
    /// that it has a copy only when all of it is there. From then on files follow every half minute.
    /// </summary>
    public void Begin(Action<string> copyDatabase)
    {
        lock (_lock)
        {
            foreach (string other in _directories[1..])
            {
                Attempt(other, () =>
                {
                    StateGeneration.Clear(other);
                    CopyFiles(other);
                    copyDatabase(other);
                });
            }
            _generation++;
            foreach (string directory in _directories.ToArray())
                Attempt(directory, () => StateGeneration.Write(directory, _generation));
            if (_directories.Count > 1)
                _timer = new Timer(_ => CopyFiles(), null, s_between, s_between);
        }
    }

    /// <summary>Writes one small file of the state to every disk; it is on all of them when this returns.</summary>
    /// <exception cref="IOException">The first disk refused it.</exception>
    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        byte[] content = bytes.ToArray();
        lock (_lock)
        {
            DurableFile.Write(Path.Combine(Primary, name), content);
            foreach (string other in _directories[1..])
                Attempt(other, () => DurableFile.Write(Path.Combine(other, name), content));
        }
    }

    /// <summary>Copies what changed of the files to the other disks.</summary>
    public void CopyFiles()
    {
        lock (_lock)
        {
            foreach (string other in _directories[1..])
                Attempt(other, () => CopyFiles(other));
        }
    }

    /// <summary>
    /// Counts on a disk no more: the others get a higher generation, so that this one follows when it comes back. False if no other has the state, and then
    /// nothing changes.
    /// </summary>
    public bool Strike(string stateDirectory, string why)
    {
        lock (_lock)
        {
            string[] left = [.. _directories.Where(d => d != stateDirectory && IsComplete(d))];
            if (_generation == 0 || left.Length == 0 || !_directories.Contains(stateDirectory))
                return false;
            _generation++;
            foreach (string directory in left)
            {
                try
                {
                    StateGeneration.Write(directory, _generation);
                }
                catch (IOException e)
                {
                    _log.Error($"event=state-disk-lost directory={directory} message=\"{e.Message}\"");
                }
            }
            _directories.RemoveAll(d => d == stateDirectory);
            Trouble = $"a disk with the node's state failed: {why}";
            _log.Error($"event=state-disk-lost directory={stateDirectory} left={_directories.Count} message=\"{why}\"");
            if (stateDirectory == Primary)
                PrimaryLost?.Invoke();
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using (ManualResetEvent ended = new(false))
        {
            if (_timer?.Dispose(ended) == true)
                ended.WaitOne();
        }
        CopyFiles();
    }

    /// <summary>
    /// Takes over the state of a node that ran from memory, to its first disk, which has none or part of one. Who the node is comes first: a power cut in
    /// between loses the rest, as it would have without a disk. That it is complete comes last.
    /// </summary>
    internal static void Adopt(string memory, string stateDirectory)
    {
        string[] files = [.. Directory.EnumerateFiles(memory).Select(f => Path.GetFileName(f)).Where(n => !IsTransient(n))];
        // A write-ahead log that belongs to another database must not lie beside this one.
        foreach (string left in Directory.EnumerateFiles(stateDirectory, Database + "*").Where(f => !files.Contains(Path.GetFileName(f))))
            DurableFile.Delete(left);
        // The database after its own write-ahead log, which is nothing without it.
        foreach (string name in files.OrderBy(n => n switch { Identity => 0, Database => 2, StateGeneration.FileName => 3, _ => 1 }))
            DurableFile.Write(Path.Combine(stateDirectory, name), File.ReadAllBytes(Path.Combine(memory, name)));
    }

    private bool IsComplete(string directory)
    {
        try
        {
            return StateGeneration.Read(directory) == _generation;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>What one of the other disks refuses is that disk's end in the list, and nobody else's trouble.</summary>
    private void Attempt(string directory, Action action)
    {
        try
        {
            action();
        }
        catch (IOException e)
        {
            if (Strike(directory, e.Message))
                return;
            _log.Error($"event=state-disk-refuses directory={directory} message=\"{e.Message}\"");
            _directories.RemoveAll(d => d == directory && d != Primary);
        }
    }

    private void CopyFiles(string other)
    {
        HashSet<string> names = [.. Names(Primary)];
        foreach (string name in names)
        {
            byte[] content = File.ReadAllBytes(Path.Combine(Primary, name));
            FileInfo there = new(Path.Combine(other, name));
            if (!there.Exists || there.Length != content.Length || !File.ReadAllBytes(there.FullName).AsSpan().SequenceEqual(content))
                DurableFile.Write(there.FullName, content);
        }
        foreach (string gone in Names(other).Where(n => !names.Contains(n)))
            File.Delete(Path.Combine(other, gone));
    }

    /// <summary>
    /// Files of the state that are copied whole: not identity and ledger, which are written to every disk with generations of their own, and not the database
    /// that is open.
    /// </summary>
    private static IEnumerable<string> Names(string directory) => Directory.EnumerateFiles(directory).Select(f => Path.GetFileName(f))
        .Where(n => !IsTransient(n) && n is not (Identity or Ledger or StateGeneration.FileName)
            && (!n.StartsWith(Database, StringComparison.Ordinal) || n.StartsWith(DatabaseCopies, StringComparison.Ordinal)));

    private static bool IsTransient(string name) =>
        name.EndsWith(DurableFile.Unfinished, StringComparison.Ordinal) || name.EndsWith("-shm", StringComparison.Ordinal);
}
