using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Bus.Sessions;

/// <summary>Two ends of sessions over a real connection: data both ways, credit, ends in their order, and ends out of order.</summary>
public sealed class SessionTests
{
    private const uint Input = 0, Output = 1, Error = 2;

    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Program_reads_writes_and_ends_and_its_code_comes_last()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("""{"arguments":["cat"]}"""u8.ToArray());
        Assert.Equal("""{"arguments":["cat"]}""", System.Text.Encoding.UTF8.GetString(await ends.Node.BegunAsync()));

        await ends.Client.WriteAsync(Input, "to the program"u8.ToArray());
        await ends.Client.EndAsync(Input);
        byte[] input = await AllAsync(ends.Node, Input);
        Assert.Equal("to the program"u8.ToArray(), input);

        await ends.Node.WriteAsync(Output, input);
        await ends.Node.EndAsync(Output);
        await ends.Node.EndAsync(Error);
        await ends.Node.ExitAsync(Output, 3);
        await ends.Node.CloseAsync(SessionCloseReason.Done);
        Assert.Equal(input, await AllAsync(ends.Client, Output));
        Assert.Empty(await AllAsync(ends.Client, Error));
        Assert.Equal(3, await ends.Client.ExitCodeAsync(Output));
    }

    [Fact]
    public async Task Megabytes_go_both_ways_at_once_and_arrive_as_they_were()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("{}"u8.ToArray());
        byte[] up = RandomNumberGenerator.GetBytes(3_000_001), down = RandomNumberGenerator.GetBytes(5_000_003);
        await ends.Client.SetWindowAsync(Output, 1 << 20);
        Task<byte[]> upRead = AllAsync(ends.Node, Input), downRead = AllAsync(ends.Client, Output);
        await Task.WhenAll(SendAllAsync(ends.Client, Input, up), SendAllAsync(ends.Node, Output, down)).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(up, await upRead);
        Assert.Equal(down, await downRead);
    }

    [Fact]
    public async Task Reader_that_does_not_read_stops_its_own_channel_and_no_other()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("{}"u8.ToArray());
        await ends.Node.WriteAsync(Output, new byte[SessionLimits.FirstWindow]);
        Task waits = ends.Node.WriteAsync(Output, new byte[1]);
        await SendAllAsync(ends.Node, Error, "something is wrong"u8.ToArray());
        Assert.Equal("something is wrong"u8.ToArray(), await AllAsync(ends.Client, Error));
        Assert.False(waits.IsCompleted);
        byte[] buffer = new byte[SessionLimits.FirstWindow];
        await ends.Client.ReadAsync(Output, buffer);
        await waits.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Connection_that_is_cut_is_no_exit_code_and_wakes_whoever_waits()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("{}"u8.ToArray());
        await ends.Node.ExitAsync(Output, 0);
        Task<int> code = ends.Client.ExitCodeAsync(Output);
        Task<byte[]> output = AllAsync(ends.Client, Output);
        Task write = ends.Client.WriteAsync(Input, new byte[SessionLimits.FirstWindow + 1]);
        ends.Cut();
        Assert.Equal(SessionCloseReason.Internal, (await Assert.ThrowsAsync<SessionException>(() => code)).Reason);
        await Assert.ThrowsAsync<SessionException>(() => output);
        await Assert.ThrowsAsync<SessionException>(() => write);
        await Assert.ThrowsAsync<SessionException>(() => ends.Client.EndAsync(Input));
    }

    [Fact]
    public async Task Close_with_a_reason_reaches_the_peer_although_it_was_still_sending()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("{}"u8.ToArray());
        await ends.Client.WriteAsync(Input, new byte[SessionLimits.FirstWindow]);
        await ends.Node.CloseAsync(SessionCloseReason.Refused, "there is no shell in this image");
        Task left = ends.Node.DisposeAsync().AsTask();
        SessionException end = await ends.Client.Ended.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((SessionCloseReason.Refused, "there is no shell in this image"), (end.Reason, end.Message));
        await ends.Client.DisposeAsync();
        await left.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Peer_that_breaks_the_rules_or_changes_a_byte_loses_the_session()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Node.WriteAsync(Output, "x"u8.ToArray());        // a node may speak before the begin, a client may not
        await ends.Client.WriteAsync(Input, "x"u8.ToArray());
        Assert.Equal(SessionCloseReason.Protocol, (await ends.Node.Ended.WaitAsync(TimeSpan.FromSeconds(30))).Reason);
        await Assert.ThrowsAsync<SessionException>(() => ends.Node.BegunAsync());
        await Assert.ThrowsAsync<SessionException>(() => ends.Node.ReadAsync(Input, new byte[1]));
    }

    [Fact]
    public async Task Notes_sizes_and_signals_come_in_their_order_until_the_end()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("{}"u8.ToArray());
        await ends.Client.ResizeAsync(Input, 132, 43);
        await ends.Client.SignalAsync(Input, 15);
        SessionEvent size = await ends.Node.Events.ReadAsync(), signal = await ends.Node.Events.ReadAsync();
        Assert.Equal((Input, SessionFrameType.Resize, 132, 43), (size.Channel, size.Type, size.Size.Columns, size.Size.Rows));
        Assert.Equal((Input, SessionFrameType.Signal, 15), (signal.Channel, signal.Type, signal.SignalNumber));
        await ends.Node.NoteAsync("output closed: a child holds it open");
        await ends.Node.CloseAsync(SessionCloseReason.Done);
        SessionEvent note = Assert.Single(await ends.Client.Events.ReadAllAsync().ToListAsync());
        Assert.Equal((SessionFrame.SessionChannel, SessionFrameType.Note, "output closed: a child holds it open"), (note.Channel, note.Type, note.Sentence));
    }

    [Fact]
    public async Task Notes_that_nobody_reads_take_bounded_memory_and_the_last_ones_stay()
    {
        await using Ends ends = await Ends.OpenAsync();
        for (int i = 0; i < Session.WaitingEvents + 10; i++)
            await ends.Node.NoteAsync($"{i}");
        await ends.Node.CloseAsync(SessionCloseReason.Done);
        await ends.Client.Ended.WaitAsync(TimeSpan.FromSeconds(30));
        List<SessionEvent> told = await ends.Client.Events.ReadAllAsync().ToListAsync();
        Assert.Equal((Session.WaitingEvents, "10"), (told.Count, told[0].Sentence));
    }

    [Fact]
    public async Task Whoever_writes_to_an_end_that_has_left_hears_so_at_once()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("{}"u8.ToArray());
        await ends.Client.DisposeAsync();
        await Assert.ThrowsAsync<SessionException>(() => ends.Client.WriteAsync(Input, new byte[1]).WaitAsync(TimeSpan.FromSeconds(30)));
        await Assert.ThrowsAsync<SessionException>(() => ends.Client.ResizeAsync(Input, 80, 25).WaitAsync(TimeSpan.FromSeconds(30)));
        await Assert.ThrowsAsync<SessionException>(() => ends.Client.ReadAsync(Output, new byte[1]).WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Channel_that_a_client_opens_carries_bytes_both_ways_and_is_closed_by_both()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("{}"u8.ToArray());
        uint channel = await OpenAsync(ends);
        Assert.Equal(Error + 1, channel);
        await ends.Client.WriteAsync(channel, "up"u8.ToArray());
        await ends.Client.EndAsync(channel);
        Assert.Equal("up"u8.ToArray(), await AllAsync(ends.Node, channel));
        await ends.Node.WriteAsync(channel, "down"u8.ToArray());
        await ends.Node.CloseChannelAsync(channel, SessionCloseReason.Refused, "no more");
        byte[] some = new byte[100];
        Assert.Equal(4, await ends.Client.ReadAsync(channel, some));
        SessionException closed = await Assert.ThrowsAsync<SessionException>(() => ends.Client.ReadAsync(channel, some));
        Assert.Equal((SessionCloseReason.Refused, "no more"), (closed.Reason, closed.Message));
        Assert.Same(closed, await ends.Client.ChannelClosedAsync(channel));
        await ends.Client.CloseChannelAsync(channel, SessionCloseReason.Done);
        await ends.Client.CloseChannelAsync(channel, SessionCloseReason.Done);      // once is enough
        await Assert.ThrowsAsync<SessionException>(() => ends.Client.ChannelClosedAsync(channel));
        await Assert.ThrowsAsync<SessionException>(() => ends.Client.ReadAsync(channel, some));
        await Assert.ThrowsAsync<SessionException>(() => ends.Client.WriteAsync(channel, some));
        Assert.Equal(Error + 2, await OpenAsync(ends));
    }

    [Fact]
    public async Task Whoever_waits_on_a_channel_that_this_end_closes_hears_so_and_what_still_comes_is_forgotten()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("{}"u8.ToArray());
        uint channel = await OpenAsync(ends);
        Task<int> read = ends.Client.ReadAsync(channel, new byte[1]);
        await ends.Client.WriteAsync(channel, new byte[SessionLimits.FirstWindow]);
        Task write = ends.Client.WriteAsync(channel, new byte[1]);
        await ends.Client.CloseChannelAsync(channel, SessionCloseReason.Cancelled);
        Assert.Equal(SessionCloseReason.Cancelled, (await Assert.ThrowsAsync<SessionException>(() => read.WaitAsync(s_soon))).Reason);
        await Assert.ThrowsAsync<SessionException>(() => write.WaitAsync(s_soon));
        await ends.Node.WriteAsync(Output, "on"u8.ToArray());
        Assert.Equal(2, await ends.Client.ReadAsync(Output, new byte[100]).WaitAsync(s_soon));
    }

    [Fact]
    public async Task Opening_waits_while_too_many_channels_are_unanswered_and_ends_with_the_session()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("{}"u8.ToArray());
        uint first = await OpenAsync(ends);
        for (int i = 1; i < SessionLimits.Unanswered; i++)
            await OpenAsync(ends);
        Task<uint> more = ends.Client.OpenChannelAsync("{}"u8.ToArray());
        Assert.False(more.IsCompleted);
        await ends.Node.WriteAsync(first, "x"u8.ToArray());
        uint opened = await more.WaitAsync(s_soon);
        await ArriveAsync(ends);
        Task<uint> another = ends.Client.OpenChannelAsync("{}"u8.ToArray());
        Assert.False(another.IsCompleted);
        using CancellationTokenSource noMore = new();
        Task<uint> cancelled = ends.Client.OpenChannelAsync("{}"u8.ToArray(), noMore.Token);
        await noMore.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(s_soon));
        // One that both have closed counts no more.
        await ends.Client.CloseChannelAsync(opened, SessionCloseReason.Cancelled);
        await ends.Node.CloseChannelAsync(opened, SessionCloseReason.Cancelled);
        await another.WaitAsync(s_soon);
        Task<uint> last = ends.Client.OpenChannelAsync("{}"u8.ToArray());
        await ends.Node.CloseAsync(SessionCloseReason.MachineEnded);
        Assert.Equal(SessionCloseReason.MachineEnded, (await Assert.ThrowsAsync<SessionException>(() => last.WaitAsync(s_soon))).Reason);
    }

    [Fact]
    public async Task Channels_that_are_closed_leave_room_for_any_number_of_others()
    {
        await using Ends ends = await Ends.OpenAsync();
        await ends.Client.BeginAsync("{}"u8.ToArray());
        // So many that the rate of frames without data holds.
        for (int i = 0; i < SessionLimits.Unanswered + 100; i++)
        {
            uint channel = await OpenAsync(ends);
            await ends.Node.CloseChannelAsync(channel, SessionCloseReason.Done);
            await ends.Client.CloseChannelAsync(channel, SessionCloseReason.Done);
        }
        Assert.False(ends.Client.Ended.IsCompleted || ends.Node.Ended.IsCompleted);
    }

    [Fact]
    public async Task Sessions_that_are_over_leave_nothing_behind()
    {
        List<WeakReference> sessions = [];
        for (int i = 0; i < 500; i++)
            await OneAsync(sessions);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.True(sessions.Count(s => s.IsAlive) <= 2, "sessions that are over are still held");     // the last one may lie on a stack

        static async Task OneAsync(List<WeakReference> sessions)
        {
            await using Ends ends = await Ends.OpenAsync();
            sessions.AddRange([new WeakReference(ends.Client), new WeakReference(ends.Node)]);
            await ends.Client.BeginAsync("{}"u8.ToArray());
            await ends.Node.BegunAsync();
            await ends.Node.CloseAsync(SessionCloseReason.Done);
            await ends.Client.Ended;
        }
    }

    /// <summary>Opens a channel, and waits until the node knows it.</summary>
    private static async Task<uint> OpenAsync(Ends ends)
    {
        uint channel = await ends.Client.OpenChannelAsync("{}"u8.ToArray()).WaitAsync(s_soon);
        await ArriveAsync(ends);
        return channel;
    }

    /// <summary>Waits until the node has everything that the client has sent.</summary>
    private static async Task ArriveAsync(Ends ends)
    {
        await ends.Client.WriteAsync(Input, "x"u8.ToArray());
        Assert.Equal(1, await ends.Node.ReadAsync(Input, new byte[1]).WaitAsync(s_soon));
    }

    private static async Task SendAllAsync(Session end, uint channel, byte[] data)
    {
        await end.WriteAsync(channel, data);
        await end.EndAsync(channel);
    }

    private static async Task<byte[]> AllAsync(Session end, uint channel)
    {
        using MemoryStream all = new();
        byte[] buffer = new byte[10_000];
        while (await end.ReadAsync(channel, buffer) is > 0 and int count)
            all.Write(buffer, 0, count);
        return all.ToArray();
    }

    /// <summary>Both ends of one session over a TCP connection.</summary>
    private sealed class Ends(Session client, Session node, Socket wire) : IAsyncDisposable
    {
        public Session Client => client;

        public Session Node => node;

        public static async Task<Ends> OpenAsync()
        {
            using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen(1);
            Socket dialled = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await dialled.ConnectAsync(listener.LocalEndPoint!);
            Socket accepted = await listener.AcceptAsync();
            using SessionKeyPair ours = new(), theirs = new();
            byte[] key = ours.PublicKey.ToArray();
            SessionCiphers client = ours.AsClient(theirs.PublicKey, "o"u8, "a"u8)!, node = theirs.AsNode(key, "o"u8, "a"u8)!;
            return new Ends(new Session(new NetworkStream(dialled, ownsSocket: true), client, isClient: true, 3, TimeProvider.System),
                new Session(new NetworkStream(accepted, ownsSocket: true), node, isClient: false, 3, TimeProvider.System), dialled);
        }

        public void Cut() => wire.Shutdown(SocketShutdown.Both);

        public async ValueTask DisposeAsync()
        {
            await client.DisposeAsync();
            await node.DisposeAsync();
        }
    }
}
