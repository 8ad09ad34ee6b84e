using Microsoft.Data.Sqlite;

using ZeroOS.Engine.Store;

namespace ZeroOS.Tests.Engine.Store;

/// <summary>One database on two disks. That every change the engine makes is in both is for <see cref="SimulationTests"/>.</summary>
public sealed class StoreCopyTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly List<string> _failed = [];

    private string First => Path.Combine(_folder.Path, "engine.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_there_what_is_committed_and_nothing_that_was_undone_is_in_the_copy()
    {
        using EngineStore store = _folder.OpenStore();
        store.AddEvent("a", "before");
        File.WriteAllText(_folder.CopyOfStore, "what another start left here");
        File.WriteAllText(_folder.CopyOfStore + "-wal", "and its log");
        store.AddCopy(_folder.CopyOfStore);
        store.AddEvent("a", "after");
        store.Fault = at => { if (at == "commit") throw new DeathException(); };
        Assert.Throws<DeathException>(() => store.AddEvent("a", "undone"));
        store.Fault = null;
        Assert.True(store.SeeFarmVersion(7));
        Assert.Equal(TestFolder.Rows(First), TestFolder.Rows(_folder.CopyOfStore));
        Assert.Equal(2, TestFolder.Rows(_folder.CopyOfStore).Count(r => r.StartsWith("events:", StringComparison.Ordinal)));
    }

    [Fact]
    public void When_the_first_disk_dies_the_copy_has_all_that_was_acknowledged_and_another_follows_it()
    {
        using (EngineStore store = _folder.OpenStore())
        {
            store.AddCopy(_folder.CopyOfStore);
            for (int i = 0; i < 100; i++)
                store.AddEvent("a", $"event {i}");
        }
        _folder.LoseStore();
        using EngineStore next = _folder.OpenStore();
        Assert.Equal(100, next.Events("a", 0).Count);
        next.AddCopy(_folder.CopyOfStore);
        next.AddEvent("a", "later");
        Assert.Equal(TestFolder.Rows(First), TestFolder.Rows(_folder.CopyOfStore));
    }

    [Fact]
    public void A_copy_that_fails_is_told_before_the_change_is_acknowledged_and_the_store_goes_on_without_it()
    {
        using EngineStore store = _folder.OpenStore();
        store.AddCopy(_folder.CopyOfStore);
        using (SqliteConnection other = new($"Data Source={_folder.CopyOfStore};Pooling=False"))
        {
            other.Open();
            using SqliteCommand drop = other.CreateCommand();
            drop.CommandText = "DROP TABLE events";
            drop.ExecuteNonQuery();
        }
        store.CopyFailed += (path, _) => _failed.Add(path);
        store.AddEvent("a", "one");
        Assert.Equal([_folder.CopyOfStore], _failed);
        store.AddEvent("a", "two");
        Assert.Single(_failed);
        Assert.Equal(2, store.Events("a", 0).Count);
    }

    [Fact]
    public void A_store_whose_medium_fails_says_so_once()
    {
        using (EngineStore store = _folder.OpenStore())
            store.AddEvent("a", "one");
        DamageEvents();
        using EngineStore damaged = _folder.OpenStore();
        damaged.Failed += _failed.Add;
        Assert.ThrowsAny<SqliteException>(() => damaged.AddEvent("a", "two"));
        Assert.ThrowsAny<SqliteException>(() => damaged.Events("a", 0));
        Assert.Single(_failed);
    }

    /// <summary>The page of the events' table has bytes that no database has; all else is well.</summary>
    private void DamageEvents()
    {
        const int PageBytes = 4096;
        long page;
        using (SqliteConnection other = new($"Data Source={First};Pooling=False"))
        {
            other.Open();
            using SqliteCommand command = other.CreateCommand();
            command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
            command.ExecuteNonQuery();
            command.CommandText = "SELECT rootpage FROM sqlite_master WHERE name='events'";
            page = (long)command.ExecuteScalar()!;
        }
        using FileStream file = new(First, FileMode.Open, FileAccess.Write);
        file.Position = (page - 1) * PageBytes;
        file.Write(Enumerable.Repeat((byte)0xFF, PageBytes).ToArray());
    }
}
