using System.Globalization;

using Microsoft.Data.Sqlite;

using ZeroOS.Workloads;

namespace ZeroOS.Engine.Store;

/// <summary>
/// What the node has promised and what it has done about it, in one SQLite file (WAL, synchronous=FULL): when a method that changes something returns, the
/// change is on the medium. One connection, one transaction at a time; a <see cref="Write"/> inside another joins it. Thread-safe.
/// </summary>
public sealed partial class EngineStore : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SqliteConnection _connection;
    private SqliteTransaction? _transaction;
    private readonly HashSet<string> _receivers = new(StringComparer.Ordinal);
    private readonly List<WorkloadId> _changed = [];
    private bool _grantsChanged;
    private volatile HashSet<string> _grantees = [];

    private EngineStore(SqliteConnection connection, TimeProvider time)
    {
        _connection = connection;
        Time = time;
    }

    /// <summary>The clock that stamps what is stored.</summary>
    public TimeProvider Time { get; }

    /// <summary>Fires when an event of one receiver was stored.</summary>
    internal ChangeSignals EventsAdded { get; } = new();

    /// <summary>Called after a commit in which a workload's state or reason changed.</summary>
    internal Action<WorkloadId>? WorkloadChanged { get; set; }

    /// <summary>Journal mode, synchronous and foreign keys, as SQLite says they are.</summary>
    internal (string Journal, long Synchronous, long ForeignKeys) Settings => Read(() =>
        (Query("PRAGMA journal_mode", r => r.GetString(0))[0], Scalar("PRAGMA synchronous")!.Value, Scalar("PRAGMA foreign_keys")!.Value));

    /// <summary>Tests only: called before, at the commit of, and after every transaction; an exception is what a death at that moment looks like.</summary>
    internal Action<string>? Fault { get; set; }

    /// <summary>
    /// Opens or makes the store. Before a file is brought to a later schema it is copied as it is: a version of ZeroOS on trial may have to give way to the one
    /// before, which then goes on with that copy. Without a copy that can be read, a file of a later ZeroOS is refused rather than guessed at.
    /// </summary>
    /// <exception cref="SqliteException">The file cannot be opened or is not a store.</exception>
    public static EngineStore Open(string path, TimeProvider? time = null) => Open(path, time, Schema.Steps);

    /// <summary>As <see cref="Open(string, TimeProvider?)"/>, of a ZeroOS with another schema.</summary>
    internal static EngineStore Open(string path, TimeProvider? time, IReadOnlyList<string> schema)
    {
        SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
        EngineStore store = Connect(path, time);
        try
        {
            string copy = CopyOf(path, schema.Count);
            if (store.SchemaSteps > schema.Count && File.Exists(copy))
            {
                store.Dispose();
                foreach (string old in (string[])[path, path + "-wal", path + "-shm"])
                    File.Delete(old);
                File.Move(copy, path);
                store = Connect(path, time);
            }
            store.Migrate(path, schema);
            store.LoadReplays();
            store._grantees = [.. store.Grantees];
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Closes the file. Nothing is lost without it.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (StoreCopy copy in _copies)
                copy.Dispose();
            _connection.Dispose();
        }
    }

    private int SchemaSteps => (int)Scalar("PRAGMA user_version")!;

    private static string CopyOf(string path, int steps) => string.Create(CultureInfo.InvariantCulture, $"{path}.schema{steps}");

    private static EngineStore Connect(string path, TimeProvider? time) => new(OpenFile(path), time ?? TimeProvider.System);

    /// <summary>A connection to a database that survives power cuts.</summary>
    internal static SqliteConnection OpenFile(string path)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, ForeignKeys = true }.ToString());
        try
        {
            connection.Open();
            // secure_delete: a registry password is gone from the file when its deployment is.
            foreach (string pragma in (string[])["journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"])
            {
                using SqliteCommand command = MakeCommand(connection, null, $"PRAGMA {pragma}", []);
                command.ExecuteNonQuery();
            }
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private void Migrate(string path, IReadOnlyList<string> schema)
    {
        int done = SchemaSteps;
        if (done > schema.Count)
            throw new InvalidOperationException($"the store has schema {done}, this ZeroOS knows {schema.Count}");
        if (done > 0 && done < schema.Count)
        {
            // Whole or not there: the name is given when everything is on the disk.
            string copy = CopyOf(path, done), half = copy + ".new";
            File.Delete(half);
            Execute("VACUUM INTO $1", half);
            using (FileStream stream = new(half, FileMode.Open, FileAccess.ReadWrite))
                stream.Flush(flushToDisk: true);
            File.Move(half, copy, overwrite: true);
        }
        for (int step = done; step < schema.Count; step++)
        {
            int number = step;
            Write(() =>
            {
                Execute(schema[number]);
                Execute($"PRAGMA user_version={number + 1}");
                return 0;
            });
        }
    }

    /// <summary>Runs <paramref name="body"/> in one transaction; what it throws undoes everything.</summary>
    internal T Write<T>(Func<T> body)
    {
        lock (_gate)
        {
            if (_transaction is not null)
                return body();
            Fault?.Invoke("before");
            T result;
            _statements.Clear();
            using (SqliteTransaction transaction = _connection.BeginTransaction(deferred: false))
            {
                _transaction = transaction;
                _grantsChanged = false;
                _receivers.Clear();
                _changed.Clear();
                try
                {
                    result = body();
                    Fault?.Invoke("commit");
                    transaction.Commit();
                }
                catch (SqliteException e)
                {
                    Judge(e);
                    throw;
                }
                finally
                {
                    _transaction = null;
                }
            }
            Follow();
            if (_grantsChanged)
                Learn(Grantees);
            foreach (string receiver in _receivers)
                EventsAdded.Fire(receiver);
            foreach (WorkloadId workload in _changed)
                WorkloadChanged?.Invoke(workload);
            Fault?.Invoke("after");
            return result;
        }
    }

    private void Learn(IReadOnlyList<string> grantees)
    {
        HashSet<string> before = _grantees;
        _grantees = [.. grantees];
        if (!before.SetEquals(_grantees))
            GranteesChanged?.Invoke();
    }

    /// <summary>As <see cref="Write{T}"/>, with nothing to return.</summary>
    internal void Write(Action body) => Write(() =>
    {
        body();
        return 0;
    });

    /// <summary>Runs <paramref name="body"/> while nothing else changes the store.</summary>
    internal T Read<T>(Func<T> body)
    {
        lock (_gate)
        {
            try
            {
                return body();
            }
            catch (SqliteException e)
            {
                Judge(e);
                throw;
            }
        }
    }

    private int Execute(string sql, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(sql, values);
        int changed = command.ExecuteNonQuery();
        Note(sql, values);
        return changed;
    }

    private long? Scalar(string sql, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(sql, values);
        return command.ExecuteScalar() is long n ? n : null;
    }

    private List<T> Query<T>(string sql, Func<SqliteDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(sql, values);
        using SqliteDataReader reader = command.ExecuteReader();
        List<T> rows = [];
        while (reader.Read())
            rows.Add(row(reader));
        return rows;
    }

    private SqliteCommand Command(string sql, ReadOnlySpan<object?> values) => MakeCommand(_connection, _transaction, sql, values);

    /// <summary>A statement with its values for $1, $2 and so on.</summary>
    internal static SqliteCommand MakeCommand(SqliteConnection connection, SqliteTransaction? transaction, string sql, ReadOnlySpan<object?> values)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction;
        for (int i = 0; i < values.Length; i++)
            command.Parameters.AddWithValue($"${i + 1}", values[i] ?? DBNull.Value);
        return command;
    }

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Moment(SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
}
