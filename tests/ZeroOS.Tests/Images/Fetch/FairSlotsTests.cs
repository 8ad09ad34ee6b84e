using Xunit;

using ZeroOS.Images.Fetch;

namespace ZeroOS.Tests.Images.Fetch;

public sealed class FairSlotsTests
{
    [Fact]
    public async Task One_owner_leaves_places_to_those_who_have_none_and_they_take_turns()
    {
        FairSlots slots = new(total: 4, perOwner: 3, reserved: 2);
        List<Task<IDisposable>> greedy = [.. Enumerable.Range(0, 50).Select(_ => slots.EnterAsync("greedy", default))];
        Assert.Equal(2, greedy.Count(g => g.IsCompletedSuccessfully));
        using IDisposable second = await slots.EnterAsync("second", default);
        using IDisposable third = await slots.EnterAsync("third", default);
        Task<IDisposable> fourth = slots.EnterAsync("fourth", default);
        Assert.False(fourth.IsCompleted);
        (await greedy[0]).Dispose();
        using IDisposable place = await fourth.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(2, greedy.Count(g => g.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task Wait_that_is_given_up_takes_no_place()
    {
        FairSlots slots = new(total: 1, perOwner: 1, reserved: 0);
        IDisposable held = await slots.EnterAsync("one", default);
        using CancellationTokenSource cancel = new();
        Task<IDisposable> given = slots.EnterAsync("two", cancel.Token), waits = slots.EnterAsync("two", default);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        held.Dispose();
        held.Dispose();
        (await waits.WaitAsync(TimeSpan.FromSeconds(20))).Dispose();
        (await slots.EnterAsync("three", default).WaitAsync(TimeSpan.FromSeconds(20))).Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whatever_owners_do_the_limits_hold_and_all_are_served(int seed)
    {
        Random random = new(seed);
        const int Total = 6, PerOwner = 3;
        FairSlots slots = new(Total, PerOwner, reserved: 2);
        int held = 0;
        int[] heldBy = new int[5];
        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => (Owner: random.Next(5), GivesUp: random.Next(4) == 0)).Select(async c =>
        {
            using CancellationTokenSource cancel = new();
            Task<IDisposable> entering = slots.EnterAsync($"{c.Owner}", cancel.Token);
            if (c.GivesUp)
                await cancel.CancelAsync();
            try
            {
                using (await entering)
                {
                    Assert.InRange(Interlocked.Increment(ref held), 1, Total);
                    Assert.InRange(Interlocked.Increment(ref heldBy[c.Owner]), 1, PerOwner);
                    await Task.Yield();
                    Interlocked.Decrement(ref heldBy[c.Owner]);
                    Interlocked.Decrement(ref held);
                }
            }
            catch (OperationCanceledException) when (c.GivesUp)
            {
            }
        })).WaitAsync(TimeSpan.FromSeconds(60));
        List<IDisposable> all = [];
        for (int i = 0; i < Total; i++)
            all.Add(await slots.EnterAsync($"new {i}", default).WaitAsync(TimeSpan.FromSeconds(20)));
        all.ForEach(p => p.Dispose());
    }
}
