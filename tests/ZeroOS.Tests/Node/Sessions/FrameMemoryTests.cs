using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Node.Sessions;

namespace ZeroOS.Tests.Node.Sessions;

/// <summary>The node's memory for long frames: who gets how much, who waits, and that all of it comes back.</summary>
public sealed class FrameMemoryTests
{
    private const uint Input = 0, Output = 1;

    [Fact]
    public async Task Key_at_its_share_waits_and_nobody_waits_behind_it()
    {
        FrameMemory memory = new();
        await memory.TakeAsync("a", isOwner: false, FrameMemory.PiecesOfKey - 1, default);
        Task two = memory.TakeAsync("a", isOwner: false, 2, default).AsTask();
        Assert.False(two.IsCompleted);
        Assert.True(memory.TakeAsync("a", isOwner: false, 1, default).AsTask().IsCompletedSuccessfully);
        Assert.True(memory.TakeAsync("b", isOwner: false, 2, default).AsTask().IsCompletedSuccessfully);
        Assert.Equal(FrameMemory.PiecesOfKey + 2, memory.Taken);
        memory.Give("a", 1);
        Assert.False(two.IsCompleted);
        memory.Give("a", 1);
        await two.WaitAsync(SessionBench.Soon);
        memory.Give("a", FrameMemory.PiecesOfKey);
        memory.Give("b", 2);
        Assert.Equal(0, memory.Taken);
    }

    [Fact]
    public async Task Last_pieces_are_for_owners_and_who_waited_longest_is_served_first()
    {
        FrameMemory memory = new();
        int taken = 0;
        for (int i = 0; taken < FrameMemory.Pieces - FrameMemory.PiecesOfOwners; i++)
        {
            int pieces = Math.Min(FrameMemory.PiecesOfKey, FrameMemory.Pieces - FrameMemory.PiecesOfOwners - taken);
            await memory.TakeAsync($"key{i}", isOwner: false, pieces, default);
            taken += pieces;
        }
        Task first = memory.TakeAsync("first", isOwner: false, 1, default).AsTask(), second = memory.TakeAsync("second", isOwner: false, 1, default).AsTask();
        await memory.TakeAsync("owner", isOwner: true, FrameMemory.PiecesOfOwners, default);
        Assert.Equal(FrameMemory.Pieces, memory.Taken);
        Task late = memory.TakeAsync("owner", isOwner: true, 1, default).AsTask();
        Assert.False(first.IsCompleted || second.IsCompleted || late.IsCompleted);
        memory.Give("owner", FrameMemory.PiecesOfOwners);
        await late.WaitAsync(SessionBench.Soon);
        Assert.False(first.IsCompleted || second.IsCompleted);
        memory.Give("key0", 2);     // one of them the owner has
        await first.WaitAsync(SessionBench.Soon);
        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task Who_waits_no_more_is_not_counted_and_keeps_nobody_waiting()
    {
        FrameMemory memory = new();
        await memory.TakeAsync("a", isOwner: false, FrameMemory.PiecesOfKey, default);
        using CancellationTokenSource over = new();
        Task gone = memory.TakeAsync("a", isOwner: false, 2, over.Token).AsTask(), stays = memory.TakeAsync("a", isOwner: false, 2, default).AsTask();
        await over.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone.WaitAsync(SessionBench.Soon));
        memory.Give("a", 2);
        await stays.WaitAsync(SessionBench.Soon);
        Assert.Equal(FrameMemory.PiecesOfKey, memory.Taken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => memory.TakeAsync("a", isOwner: false, 2, over.Token).AsTask());
        memory.Give("a", FrameMemory.PiecesOfKey);
        Assert.Equal(0, memory.Taken);
    }

    [Fact]
    public async Task Takers_and_leavers_at_once_leave_nothing_counted()
    {
        FrameMemory memory = new();
        await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(async () =>
        {
            Random random = new(i);
            for (int round = 0; round < 200; round++)
            {
                using CancellationTokenSource over = new();
                string key = $"key{i % 4}";
                int pieces = random.Next(1, FrameMemory.PiecesOfKey / 4);
                Task take = memory.TakeAsync(key, isOwner: false, pieces, over.Token).AsTask();
                if (random.Next(4) == 0)
                    await over.CancelAsync();
                await take.ContinueWith(_ => { }, TaskScheduler.Default);
                Assert.InRange(memory.Taken, 0, FrameMemory.Pieces);
                if (take.IsCompletedSuccessfully)
                    memory.Give(key, pieces);
            }
        }))).WaitAsync(SessionBench.Soon);
        Assert.Equal(0, memory.Taken);
    }

    [Fact]
    public async Task Frames_that_stay_unfinished_hold_their_keys_share_and_another_key_is_served()
    {
        using SessionBench bench = new(Roles.Tenant);
        byte[] body = new byte[SessionLimits.BodyBytes];
        List<(TestClient Client, byte[] Left)> unfinished = [];
        for (int i = 0; i <= FrameMemory.PiecesOfKey; i++)
        {
            TestClient client = await Begun(bench, bench.Gate.Alice, i + 1);
            byte[] frame = client.Sealed(Input, SessionFrameType.Data, body);
            client.Send(frame[..2000]);
            unfinished.Add((client, frame[2000..]));
        }
        await Taken(bench, FrameMemory.PiecesOfKey);

        TestClient other = await Begun(bench, IdentityKey.Generate(), FrameMemory.PiecesOfKey + 2);
        TestGuest guest = bench.Guest();
        guest.ExpectBegin();
        other.Send(other.Sealed(Input, SessionFrameType.Data, body));
        Assert.Equal(body.Length, guest.Expect(Input, SessionFrameType.Data).Length);
        guest.Send(Output, SessionFrameType.Data, body);
        guest.Close(SessionCloseReason.Done);
        int came = 0;
        Assert.Equal(SessionCloseReason.Done, (await other.CloseAsync(count => came += count))?.Reason);
        Assert.Equal(body.Length, came);
        other.Socket.Dispose();
        guest.Socket.Dispose();
        await Taken(bench, FrameMemory.PiecesOfKey);

        // One that goes on makes room for the one that waits.
        unfinished.ForEach(u => u.Client.Send(u.Left));
        await Taken(bench, 0);
        unfinished.ForEach(u => u.Client.Socket.Dispose());
    }

    [Fact]
    public async Task Session_that_ends_in_a_long_frame_gives_its_room_back()
    {
        using SessionBench bench = new();
        TestClient client = await Begun(bench, bench.Gate.Alice, 1);
        TestGuest guest = bench.Guest();
        client.Send(client.Sealed(Input, SessionFrameType.Data, new byte[SessionLimits.BodyBytes])[..5000]);
        guest.Raw(TestGuest.Plain(Output, SessionFrameType.Data, new byte[SessionLimits.BodyBytes]).AsSpan(0, 5000));
        await Taken(bench, 3);
        client.Socket.Dispose();
        guest.Socket.Dispose();
        await Taken(bench, 0);
        bench.AssertLeft(0);
    }

    private static async Task<TestClient> Begun(SessionBench bench, IdentityKey from, int number)
    {
        TestClient client = await bench.OpenAsync(from: from);
        client.Begin();
        using CancellationTokenSource late = new(SessionBench.Soon);
        while (bench.Connects < number)
            await Task.Delay(1, late.Token);
        return client;
    }

    private static async Task Taken(SessionBench bench, int pieces)
    {
        using CancellationTokenSource late = new(SessionBench.Soon);
        while (bench.Server.MemoryTaken != pieces)
        {
            Assert.False(late.IsCancellationRequested, $"{bench.Server.MemoryTaken} pieces are taken, not {pieces}");
            await Task.Delay(5);
        }
    }
}
