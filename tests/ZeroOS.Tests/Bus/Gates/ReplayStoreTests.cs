using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Node.Bus;

namespace ZeroOS.Tests.Bus.Gates;

public sealed class ReplayStoreTests
{
    private static readonly DateTimeOffset s_now = new(2026, 7, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly MemoryReplayStore _store = new();

    [Fact]
    public void A_key_and_all_keys_together_have_a_bound_and_what_ended_makes_room()
    {
        KeyId[] keys = [.. Enumerable.Range(0, (IReplayStore.MaxLive / IReplayStore.MaxPerKey) + 1).Select(_ => NewKey())];
        foreach (KeyId key in keys[..^1])
        {
            for (int i = 0; i < IReplayStore.MaxPerKey; i++)
                Assert.Equal(ReplayAnswer.Fresh, Remember(key, s_now.AddMinutes(i % 2)));
            Assert.Equal(ReplayAnswer.Full, Remember(key, s_now.AddMinutes(1)));
        }
        Assert.Equal(IReplayStore.MaxLive, _store.Live);
        Assert.Equal(ReplayAnswer.Full, Remember(keys[^1], s_now.AddMinutes(1)));
        Assert.Equal(IReplayStore.MaxLive, _store.Live);

        DateTimeOffset later = s_now.AddSeconds(1);
        Assert.Equal(ReplayAnswer.Fresh, _store.Remember(keys[^1], Guid.NewGuid(), later.AddMinutes(1), later));
        Assert.Equal((IReplayStore.MaxLive / 2) + 1, _store.Live);
    }

    [Fact]
    public void An_id_is_known_up_to_its_last_moment_and_each_key_has_its_own()
    {
        (KeyId alice, KeyId bob, Guid id, DateTimeOffset until) = (NewKey(), NewKey(), Guid.NewGuid(), s_now.AddMinutes(1));
        Assert.Equal(ReplayAnswer.Fresh, _store.Remember(alice, id, until, s_now));
        Assert.Equal(ReplayAnswer.Fresh, _store.Remember(bob, id, until, s_now));
        Assert.Equal(ReplayAnswer.Replayed, _store.Remember(alice, id, until, until));
        Assert.Equal(ReplayAnswer.Fresh, _store.Remember(alice, id, until.AddMinutes(1), until.AddTicks(1)));
        Assert.Equal(1, _store.Live);
    }

    [Fact]
    public void Everything_a_node_looks_at_while_an_id_lives_has_room()
    {
        double longest = (Gate.MaxWindow + (2 * Gate.Skew)).TotalSeconds;
        Assert.True(IReplayStore.MaxLive >= longest * (EnvelopeRates.PerSecond + EnvelopeRates.ReservedPerSecond));
    }

    private ReplayAnswer Remember(KeyId key, DateTimeOffset until) => _store.Remember(key, Guid.NewGuid(), until, s_now);

    private static KeyId NewKey()
    {
        using IdentityKey key = IdentityKey.Generate();
        return key.Id;
    }
}
