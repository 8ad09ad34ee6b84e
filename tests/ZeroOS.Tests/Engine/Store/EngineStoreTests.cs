using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Engine.Store;

namespace ZeroOS.Tests.Engine.Store;

public sealed class EngineStoreTests
{
    [Fact]
    public void Events_are_numbered_without_gaps_and_200_of_a_deployment_are_kept()
    {
        using TestFolder folder = new();
        using EngineStore store = folder.OpenStore();
        store.AddEvent("a", "x", "other");
        for (int i = 0; i < 250; i++)
            store.AddEvent("a", "x", "shop");
        store.AddEvent("b", "x");
        IReadOnlyList<NodeEvent> events = store.Events("a", 0, 1000);
        Assert.Equal(201, events.Count);
        Assert.Equal([1, .. Enumerable.Range(52, 200)], events.Select(e => (int)e.Number));
        Assert.Equal(1, Assert.Single(store.Events("b", 0)).Number);
        Assert.Equal([251L], store.Events("a", 250).Select(e => e.Number));
    }

    [Fact]
    public void A_later_schema_leaves_a_copy_that_the_version_before_goes_on_with()
    {
        using TestFolder folder = new();
        string path = Path.Combine(folder.Path, "engine.db");
        IReadOnlyList<string> later = [.. Schema.Steps, "CREATE TABLE extra(a TEXT) STRICT"];
        using (EngineStore store = folder.OpenStore())
            store.AddEvent("a", "before");
        using (EngineStore store = EngineStore.Open(path, new ManualTime(), later))
            store.AddEvent("a", "on trial");
        using (EngineStore store = folder.OpenStore())
            Assert.Equal(["before"], store.Events("a", 0).Select(e => e.Kind));
        using (EngineStore store = EngineStore.Open(path, new ManualTime(), later))
            Assert.Equal(["before"], store.Events("a", 0).Select(e => e.Kind));
        File.Delete($"{path}.schema{Schema.Steps.Count}");
        Assert.Throws<InvalidOperationException>(() => folder.OpenStore());
    }

    [Fact]
    public void What_was_committed_is_there_after_reopening_and_the_rest_is_not()
    {
        using TestFolder folder = new();
        using (EngineStore store = folder.OpenStore())
        {
            store.AddEvent("a", "kept");
            store.Fault = at => { if (at == "commit") throw new DeathException(); };
            Assert.Throws<DeathException>(() => store.AddEvent("a", "lost"));
            store.Fault = null;
            store.AddEvent("a", "next");
        }
        using EngineStore again = folder.OpenStore();
        Assert.Equal([(1L, "kept"), (2L, "next")], again.Events("a", 0).Select(e => (e.Number, e.Kind)));
    }

    [Fact]
    public void The_highest_version_of_farm_settings_is_remembered()
    {
        using TestFolder folder = new();
        using (EngineStore store = folder.OpenStore())
        {
            Assert.Equal(0, store.FarmVersionSeen);
            Assert.True(store.SeeFarmVersion(3));
        }
        using EngineStore again = folder.OpenStore();
        Assert.False(again.SeeFarmVersion(2));
        Assert.True(again.SeeFarmVersion(3));
        Assert.Equal(3, again.FarmVersionSeen);
    }

    [Fact]
    public void The_file_is_safe_against_power_cuts_as_sqlite_understands_it()
    {
        using TestFolder folder = new();
        using EngineStore store = folder.OpenStore();
        Assert.Equal(("wal", 2L, 1L), store.Settings);
    }
}
