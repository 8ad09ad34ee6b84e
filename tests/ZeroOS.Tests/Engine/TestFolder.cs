using System.Reflection;
using System.Runtime.InteropServices;

using Microsoft.Data.Sqlite;

using ZeroOS.Engine.Store;

namespace ZeroOS.Tests.Engine;

/// <summary>A folder for one test, and the store in it. Under the JIT the statically linked SQLite is the distribution's shared one.</summary>
internal sealed class TestFolder : IDisposable
{
    static TestFolder() => NativeLibrary.SetDllImportResolver(typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly, Resolve);

    public TestFolder()
    {
        Path = System.IO.Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath(),
            "zeroos-engine-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public EngineStore OpenStore(TimeProvider? time = null) => EngineStore.Open(System.IO.Path.Combine(Path, "engine.db"), time ?? new ManualTime());

    /// <summary>The store on another disk.</summary>
    public string CopyOfStore => System.IO.Path.Combine(Path, "copy.db");

    /// <summary>The disk with the store dies; what was the copy is the store.</summary>
    public void LoseStore()
    {
        foreach (string part in (string[])["", "-wal", "-shm"])
        {
            string store = System.IO.Path.Combine(Path, "engine.db") + part, copy = CopyOfStore + part;
            File.Delete(store);
            if (File.Exists(copy))
                File.Move(copy, store);
        }
    }

    /// <summary>Every row of every table of a database, as a connection of its own sees it.</summary>
    public static IReadOnlyList<string> Rows(string database)
    {
        using SqliteConnection connection =
            new(new SqliteConnectionStringBuilder { DataSource = database, Pooling = false, Mode = SqliteOpenMode.ReadOnly }.ToString());
        connection.Open();
        List<string> rows = [], tables = [];
        Read(connection, "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name", r => tables.Add(r.GetString(0)));
        foreach (string table in tables)
            Read(connection, $"SELECT * FROM {table}", r => rows.Add($"{table}: {string.Join('|', Enumerable.Range(0, r.FieldCount).Select(r.GetValue))}"));
        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    private static void Read(SqliteConnection connection, string sql, Action<SqliteDataReader> row)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
            row(reader);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? search) =>
        name == "e_sqlite3" ? NativeLibrary.Load("libsqlite3.so.0") : IntPtr.Zero;
}
