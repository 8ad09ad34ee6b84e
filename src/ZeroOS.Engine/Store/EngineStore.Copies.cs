using Microsoft.Data.Sqlite;

namespace ZeroOS.Engine.Store;

public sealed partial class EngineStore
{
    // SQLite's primary result codes of a medium that fails, rather than of a statement that is wrong (sqlite.org/rescode.html).
    private const int SQLITE_READONLY = 8, SQLITE_IOERR = 10, SQLITE_CORRUPT = 11, SQLITE_CANTOPEN = 14, SQLITE_NOTADB = 26;

    private readonly List<StoreCopy> _copies = [];
    private readonly List<(string Sql, object?[] Values)> _statements = [];
    private bool _failed;

    /// <summary>
    /// A copy does not follow any more: its file and why. Told before the change that it lacks is acknowledged, on the thread of that change, which must not
    /// use the store.
    /// </summary>
    public event Action<string, string>? CopyFailed;

    /// <summary>The medium of the store itself fails: why. Told once, as <see cref="CopyFailed"/> is.</summary>
    public event Action<string>? Failed;

    /// <summary>
    /// Keeps the same database at <paramref name="path"/> too, whatever was there: it is made anew, and follows every change before that is acknowledged. The
    /// first store has a change before any copy has it.
    /// </summary>
    /// <exception cref="IOException">It cannot be made there.</exception>
    public void AddCopy(string path)
    {
        lock (_gate)
        {
            string fresh = path + ".new";
            try
            {
                File.Delete(fresh);
                Execute("VACUUM INTO $1", fresh);
                using (FileStream stream = new(fresh, FileMode.Open, FileAccess.ReadWrite))
                    stream.Flush(flushToDisk: true);
                // The log of the former database goes first: it must never be applied to this one.
                foreach (string old in (string[])[path + "-wal", path + "-shm", path])
                    File.Delete(old);
                File.Move(fresh, path);
                _copies.Add(StoreCopy.Open(path));
            }
            catch (SqliteException e)
            {
                throw new IOException($"{path}: {e.Message}", e);
            }
        }
    }

    /// <summary>Hands the statements of a transaction that is stored to every copy.</summary>
    private void Follow()
    {
        foreach (StoreCopy copy in _statements.Count > 0 ? _copies.ToArray() : [])
        {
            try
            {
                copy.Apply(_statements);
            }
            catch (SqliteException e)
            {
                _copies.Remove(copy);
                copy.Dispose();
                CopyFailed?.Invoke(copy.Path, e.Message);
            }
        }
        _statements.Clear();
    }

    private void Note(string sql, ReadOnlySpan<object?> values)
    {
        if (_transaction is not null && _copies.Count > 0)
            _statements.Add((sql, values.ToArray()));
    }

    /// <summary>Tells, once, when it is the medium that fails.</summary>
    private void Judge(SqliteException e)
    {
        if (_failed || e.SqliteErrorCode is not (SQLITE_READONLY or SQLITE_IOERR or SQLITE_CORRUPT or SQLITE_CANTOPEN or SQLITE_NOTADB))
            return;
        _failed = true;
        Failed?.Invoke(e.Message);
    }
}
