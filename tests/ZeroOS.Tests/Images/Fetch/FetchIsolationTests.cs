using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Flist;
using ZeroOS.Images.Fetch;
using ZeroOS.Oci.Registry;
using ZeroOS.Tests.Oci.Registry;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Images.Fetch;

/// <summary>Review, finding 18: one process held the credentials of up to 16 clients, and one slow registry could take all places.</summary>
public sealed class FetchIsolationTests
{
    private static readonly Sha256Digest s_digest = Sha256Digest.Of([1]);

    [Fact]
    public async Task Each_tenant_and_registry_has_a_process_of_its_own_and_it_ends_when_idle()
    {
        using StandInServer one = Answering(), two = Answering();
        InProcessFetch processes = new();
        using FetchClient fetch = new(processes.Start, LineLog.Quiet, linger: TimeSpan.FromMilliseconds(50));
        await Task.WhenAll(Get(fetch, Source(one, "alice")), Get(fetch, Source(one, "bob")), Get(fetch, Source(two, "alice")));
        Assert.Equal(3, processes.Started);
        for (DateTime deadline = DateTime.UtcNow.AddSeconds(20); processes.Living > 0; await Task.Delay(5))
            Assert.True(DateTime.UtcNow < deadline, "a process that has nothing to do keeps its credentials");
        await Get(fetch, Source(one, "alice"));
        Assert.Equal(4, processes.Started);
    }

    [Fact]
    public async Task Idle_processes_are_few()
    {
        using StandInServer server = Answering();
        InProcessFetch processes = new();
        using FetchClient fetch = new(processes.Start, LineLog.Quiet, linger: TimeSpan.FromMinutes(10));
        for (int i = 0; i < 20; i++)
            await Get(fetch, Source(server, $"tenant {i}"));
        for (DateTime deadline = DateTime.UtcNow.AddSeconds(20); processes.Living > FetchClient.MaxIdle; await Task.Delay(5))
            Assert.True(DateTime.UtcNow < deadline, "idle processes are not ended");
    }

    [Fact]
    public async Task Registry_that_dribbles_takes_neither_other_tenants_places_nor_for_ever()
    {
        using StandInServer slow = new(async (_, response) =>
        {
            for (int i = 0; i < 10_000; i++) // a byte now and then: never still for long
            {
                await response.OutputStream.WriteAsync(new byte[1]);
                await response.OutputStream.FlushAsync();
                await Task.Delay(20);
            }
        });
        using StandInServer good = Answering();
        using FetchClient fetch = new(new InProcessFetch().Start, LineLog.Quiet, deadline: bytes => TimeSpan.FromSeconds(bytes < 1 << 20 ? 60 : 15));
        List<Task> dribbled = [.. Enumerable.Range(0, 60).Select(i => Get(fetch, Source(slow, "evil"), 1 << 20))];
        for (int i = 0; i < 5; i++)
            await Get(fetch, Source(good, "honest"));
        Assert.Contains(dribbled, d => !d.IsCompleted);     // so the honest ones did not wait for them
        RegistryException tooSlow = await Assert.ThrowsAsync<RegistryException>(() => dribbled[0]);
        Assert.Equal(RegistryFailure.Unreachable, tooSlow.Failure);
        Assert.Contains("slow", tooSlow.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Answer_has_half_a_minute_and_its_bytes_at_the_least_rate()
    {
        Assert.Equal(TimeSpan.FromSeconds(30 + 64), FetchDeadline.Of(1 << 20));
        Assert.True(FetchDeadline.OfNode(1 << 20) > FetchDeadline.Of(1 << 20));
    }

    private static Task Get(FetchClient fetch, FetchSource source, int length = 10) => fetch.ReadBlobAsync(source, s_digest, 0, new byte[length], default);

    private static FetchSource Source(StandInServer server, string owner) =>
        new("r", server.Url.AbsoluteUri, true, "x", new RegistryCredentials { Username = owner, Password = "p" }, owner);

    private static StandInServer Answering() => new(async (_, response) => await response.OutputStream.WriteAsync(new byte[100]));
}
