using Xunit;

using ZeroOS.Images.Fetch;
using ZeroOS.Images.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Images.Store;

/// <summary>One image that several tenants use: what one of them does reaches no other.</summary>
public sealed class SharedImageTests
{
    /// <summary>
    /// Review, finding 10: eight deployments that named the digest at other places pushed out the place it came from, and running machines hung.
    /// </summary>
    [Fact]
    public async Task Sources_of_another_tenant_do_not_push_out_ones_own()
    {
        TestImage image = TestImage.Make(90, chunks: 80);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        using IImage honest = await bench.Store.PrepareAsync("honest", image.Reference(), default);
        honest.Allow();
        using TestMonitor machine = new(honest);
        machine.Read(image, 0);
        List<IImage> evil = [];
        for (int i = 0; i < 20; i++)
        {
            evil.Add(await bench.Store.PrepareAsync("evil", image.Reference() with { Reference = $"demo/evil{i}/y:1" }, default));
            evil[^1].Allow();
        }
        Assert.True(image.Plain(79).SequenceEqual(machine.Read(image, 79)));
        Assert.Null(honest.Trouble);
        evil.ForEach(e => e.Dispose());
    }

    [Fact]
    public async Task Tenant_whose_registry_answers_nothing_delays_no_other_that_names_the_same_image()
    {
        TestImage image = TestImage.Make(91, chunks: 4);
        using TestRegistry good = new(image), mute = new() { Hold = Task.Delay(Timeout.Infinite) };
        await using ImageBench bench = new(good.Url, second: mute.Url);
        List<Task<IImage>> stuck = [.. Enumerable.Range(0, 30)
            .Select(i => bench.Store.PrepareAsync("evil", image.Reference("second") with { Reference = $"second/x{i}/y:1" }, default))];
        using IImage prepared = await bench.Store.PrepareAsync("honest", image.Reference(), default).WaitAsync(TimeSpan.FromSeconds(20));
        using TestMonitor machine = new(prepared);
        Assert.True(image.Plain(3).SequenceEqual(machine.Read(image, 3)));
        Assert.All(stuck, s => Assert.False(s.IsCompleted));
    }

    [Fact]
    public async Task Place_that_proved_itself_serves_a_tenant_whose_own_is_gone_and_nobody_elses_account_pays()
    {
        TestImage image = TestImage.Make(92, chunks: 80);
        using TestRegistry good = new(image), gone = new() { Down = true };
        await using ImageBench bench = new(good.Url, second: gone.Url);
        using IImage honest = await bench.Store.PrepareAsync("honest", image.Reference(), default);
        using IImage other = await bench.Store.PrepareAsync("other", image.Reference("second"), default);
        using TestMonitor machine = new(other);
        machine.Need(70);
        Assert.Equal(70u, machine.Receive().Chunk);
    }

    [Fact]
    public void Own_source_comes_first_and_proven_ones_are_few_of_each_owner()
    {
        ImageSources sources = new();
        Assert.Null(sources.Pick([], 0));
        for (int i = 0; i < 20; i++)
            sources.Prove(Source("evil", $"e{i}"));
        sources.Prove(Source("good", "g"));
        FetchSource own = Source("own", "o");
        Waiter waiter = new(own);
        Assert.Same(own, sources.Pick([waiter], 0));
        List<FetchSource> all = [.. Enumerable.Range(0, 20).Select(i => sources.Pick([waiter], i)!).Distinct()];
        Assert.Equal(1 + 1 + ImageSources.MaxProvenOfOwner, all.Count);
        Assert.All(all, s => Assert.Equal("own", s.Owner));
        Waiter[] two = [waiter, new Waiter(Source("second", "s"))];
        Assert.Equal(["o", "s"], Enumerable.Range(0, 2).Select(i => sources.Pick(two, i)!.Repository));
        sources.Add(own);
        sources.Add(own);
        sources.Remove(own);
        Assert.Equal(own, sources.Pick([], 0));
        sources.Remove(own);
        Assert.Null(sources.Pick([], 0));
    }

    private static FetchSource Source(string owner, string repository) => new("r", "http://r", true, repository, null, owner);

    private sealed class Waiter(FetchSource source) : IChunkWaiter
    {
        public FetchSource Source => source;

        public void Ready(int chunk)
        {
        }
    }
}
