using Microsoft.Data.Sqlite;

namespace ZeroOS.Node.Engine.Store;

/// <summary>
/// What the node has promised and what it has done about it, in one SQLite file (WAL, synchronous=FULL): when a method that changes something returns, the
/// change is on the medium. One connection, one transaction at a time; a <see cref="Write"/> inside another joins it. Thread-safe.
/// </summary>
public sealed partial class EngineStore : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SqliteConnection _connection;
    private SqliteTransaction? _transaction;
    private bool _eventsAdded;
    private bool _grantsChanged;
    private volatile HashSet<string> _grantees = [];

    private EngineStore(SqliteConnection connection, TimeProvider time)
    {
        _connection = connection;
        Time = time;
    }

    /// <summary>The clock that stamps what is stored.</summary>
    public TimeProvider Time { get; }

    /// <summary>Fires when an event was stored.</summary>
    internal Pulse EventsAdded { get; } = new();

    /// <summary>Journal mode, synchronous and foreign keys, as SQLite says they are.</summary>
    internal (string Journal, long Synchronous, long ForeignKeys) Settings => Read(() =>
        (Query("PRAGMA journal_mode", r => r.GetString(0))[0], Scalar("PRAGMA synchronous")!.Value, Scalar("PRAGMA foreign_keys")!.Value));

    /// <summary>Tests only: called before, at the commit of, and after every transaction; an exception is what a death at that moment looks like.</summary>
    internal Action<string>? Fault { get; set; }

    /// <summary>Opens or makes the store. A file of a later ZeroOS is refused rather than guessed at.</summary>
    /// <exception cref="SqliteException">The file cannot be opened or is not a store.</exception>
    public static EngineStore Open(string path, TimeProvider? time = null)
    {
        SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, ForeignKeys = true }.ToString());
        try
        {
            connection.Open();
            EngineStore store = new(connection, time ?? TimeProvider.System);
            // secure_delete: a registry password is gone from the file when its deployment is.
            store.Execute("PRAGMA journal_mode=WAL");
            store.Execute("PRAGMA synchronous=FULL");
            store.Execute("PRAGMA secure_delete=ON");
            store.Migrate();
            store.LoadSeen();
            store._grantees = [.. store.Grantees];
            return store;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Closes the file. Nothing is lost without it.</summary>
    public void Dispose()
    {
        lock (_gate)
            _connection.Dispose();
    }

    private void Migrate()
    {
        int done = (int)Scalar("PRAGMA user_version")!;
        if (done > Schema.Steps.Count)
            throw new InvalidOperationException($"the store has schema {done}, this ZeroOS knows {Schema.Steps.Count}");
        for (int step = done; step < Schema.Steps.Count; step++)
        {
            int number = step;
            Write(() =>
            {
                Execute(Schema.Steps[number]);
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
            using (SqliteTransaction transaction = _connection.BeginTransaction(deferred: false))
            {
                _transaction = transaction;
                (_eventsAdded, _grantsChanged) = (false, false);
                try
                {
                    result = body();
                    Fault?.Invoke("commit");
                    transaction.Commit();
                }
                finally
                {
                    _transaction = null;
                }
            }
            if (_grantsChanged)
                _grantees = [.. Grantees];
            if (_eventsAdded)
                EventsAdded.Fire();
            Fault?.Invoke("after");
            return result;
        }
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
            return body();
    }

    private int Execute(string sql, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(sql, values);
        return command.ExecuteNonQuery();
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

    private SqliteCommand Command(string sql, ReadOnlySpan<object?> values)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = _transaction;
        for (int i = 0; i < values.Length; i++)
            command.Parameters.AddWithValue($"${i + 1}", values[i] ?? DBNull.Value);
        return command;
    }

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Moment(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
}
