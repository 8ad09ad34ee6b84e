using Microsoft.Data.Sqlite;

namespace ZeroOS.Engine.Store;

/// <summary>
/// The same database on another disk. It gets the statements of every transaction after the first database has them, in one transaction of its own.
/// </summary>
internal sealed class StoreCopy : IDisposable
{
    private readonly SqliteConnection _connection;

    private StoreCopy(string path, SqliteConnection connection) => (Path, _connection) = (path, connection);

    /// <summary>Its file.</summary>
    public string Path { get; }

    /// <summary>Opens a database that is equal to the first.</summary>
    /// <exception cref="SqliteException">It cannot be opened.</exception>
    public static StoreCopy Open(string path) => new(path, EngineStore.OpenFile(path));

    /// <summary>Does what was done; on the medium when this returns.</summary>
    /// <exception cref="SqliteException">The file refuses.</exception>
    public void Apply(IReadOnlyList<(string Sql, object?[] Values)> statements)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction(deferred: false);
        foreach ((string sql, object?[] values) in statements)
        {
            using SqliteCommand command = EngineStore.MakeCommand(_connection, transaction, sql, values);
            command.ExecuteNonQuery();
        }
        transaction.Commit();
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();
}
