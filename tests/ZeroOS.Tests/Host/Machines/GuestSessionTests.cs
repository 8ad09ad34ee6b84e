using System.Text;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Host.Machines;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>
/// The node orders a session on the trusted connection, and zguest dials for it. Any process of the guest may dial the same port: without secret and token it
/// gets nothing, and takes nothing from zguest.
/// </summary>
public sealed class GuestSessionTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    private readonly MachineHarness _node = new();

    public void Dispose() => _node.Dispose();

    [Fact]
    public async Task Zguest_dials_with_secret_and_token_and_both_have_a_stream_from_the_next_byte_on()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = Running(monitor, out byte[] secret);
        Task<Stream> opening = _node.Machines.OpenSessionAsync(MachineHarness.Id, "exec", default);
        GuestSession order = zguest.ExpectSession();
        Assert.Equal(("exec", GuestProtocol.TokenBytes), (order.Kind, order.Token.Length));
        using FakeGuest dialled = monitor.Dial(GuestProtocol.SessionPort);
        // In two parts, the second with what is the session's already.
        dialled.Raw(secret);
        dialled.Raw([.. order.Token, .. "hello"u8]);
        await using Stream stream = await opening.WaitAsync(s_soon);
        byte[] five = new byte[5];
        await stream.ReadExactlyAsync(five).AsTask().WaitAsync(s_soon);
        Assert.Equal("hello", Encoding.ASCII.GetString(five));
        await stream.WriteAsync("world"u8.ToArray());
        Assert.Equal("world"u8.ToArray(), dialled.Exactly(5));

        dialled.Dispose();
        Assert.Equal(0, await stream.ReadAsync(five).AsTask().WaitAsync(s_soon));
        await Assert.ThrowsAnyAsync<IOException>(() => stream.WriteAsync(five).AsTask());
    }

    [Fact]
    public async Task Writer_waits_until_the_guest_takes_and_whoever_closes_wakes_who_waits()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = Running(monitor, out byte[] secret);
        (Stream stream, FakeGuest dialled) = await OpenAsync(monitor, zguest, secret);
        byte[] much = new byte[4 << 20];
        new Random(1).NextBytes(much);
        Task write = stream.WriteAsync(much).AsTask();
        await Task.Delay(50);
        Assert.False(write.IsCompleted);
        Assert.Equal(much, dialled.Exactly(much.Length));
        await write.WaitAsync(s_soon);

        ValueTask<int> read = stream.ReadAsync(new byte[1]);
        using CancellationTokenSource cancelled = new();
        await stream.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => read.AsTask().WaitAsync(s_soon));
        Assert.True(dialled.IsClosedByNode());
        dialled.Dispose();
    }

    [Theory]
    [InlineData("a wrong secret")]
    [InlineData("a wrong token")]
    [InlineData("a token that was used")]
    [InlineData("nothing, and an end")]
    public async Task Who_does_not_show_both_gets_nothing_and_zguest_still_can(string attack)
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = Running(monitor, out byte[] secret);
        (Stream before, FakeGuest used) = await OpenAsync(monitor, zguest, secret, out byte[] usedToken);
        Task<Stream> opening = _node.Machines.OpenSessionAsync(MachineHarness.Id, "exec", default);
        byte[] token = zguest.ExpectSession().Token, wrong = [.. token];
        wrong[^1] ^= 1;
        using (FakeGuest intruder = monitor.Dial(GuestProtocol.SessionPort))
        {
            byte[] show = attack switch
            {
                "a wrong secret" => [.. new byte[GuestProtocol.SecretBytes], .. token],
                "a wrong token" => [.. secret, .. wrong],
                "a token that was used" => [.. secret, .. usedToken],
                _ => [],
            };
            intruder.Raw(show);
            if (show.Length > 0)
                Assert.Empty(intruder.ReadToEnd());
        }
        Assert.False(opening.IsCompleted);
        using FakeGuest dialled = monitor.Dial(GuestProtocol.SessionPort);
        dialled.Raw([.. secret, .. token]);
        await using Stream stream = await opening.WaitAsync(s_soon);
        await before.DisposeAsync();
        used.Dispose();
    }

    [Fact]
    public async Task Flood_of_newcomers_keeps_neither_zguests_own_port_nor_its_session_waiting()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = Running(monitor, out byte[] secret);
        // Silent ones, more than are kept, fewer than are taken at once.
        List<FakeGuest> silent = [.. Enumerable.Range(0, SessionDials.ConnectBurst - 4).Select(_ => monitor.Dial(GuestProtocol.SessionPort))];
        (Stream stream, FakeGuest dialled) = await OpenAsync(monitor, zguest, secret);
        await using (stream)
        using (dialled)
        {
            // All but the last few are closed already.
            Assert.All(silent[..^SessionDials.MaxNewcomers], s => Assert.True(s.IsClosedByNode()));
            silent.AddRange(Enumerable.Range(0, 100).Select(_ => monitor.Dial(GuestProtocol.SessionPort)));
            Assert.True(silent[^1].IsClosedByNode());       // beyond the rate
            using FakeGuest again = monitor.Dial();
            again.Return(secret, running: true);
            await stream.WriteAsync("still"u8.ToArray());
            Assert.Equal("still"u8.ToArray(), dialled.Exactly(5));
        }
        silent.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task Guest_that_does_not_dial_and_newcomer_that_shows_nothing_have_their_time()
    {
        using MachineHarness node = new(sessions: new SessionTimes(AnswerMs: 300, ProveMs: 100));
        FakeMonitor monitor = node.Start();
        using FakeGuest zguest = monitor.Dial();
        byte[] secret = zguest.TakeSpec(out _);
        zguest.Send(GuestFrameType.Started, 0, """{"bootUs":5}""");
        Assert.StartsWith("started", node.Events.Next(), StringComparison.Ordinal);
        Task<Stream> opening = node.Machines.OpenSessionAsync(MachineHarness.Id, "exec", default);
        byte[] token = zguest.ExpectSession().Token;
        using FakeGuest slow = monitor.Dial(GuestProtocol.SessionPort);
        slow.Raw(secret);
        Assert.True(slow.IsClosedByNode());
        Assert.Equal("no-answer", (await Assert.ThrowsAsync<WorkloadException>(() => opening.WaitAsync(s_soon))).Reason);
        using FakeGuest late = monitor.Dial(GuestProtocol.SessionPort);
        late.Raw([.. secret, .. token]);
        Assert.Empty(late.ReadToEnd());
    }

    [Fact]
    public async Task Orders_are_bounded_and_one_that_nobody_waits_for_makes_room()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = Running(monitor, out byte[] secret);
        using CancellationTokenSource given = new();
        Task<Stream>[] waiting = [.. Enumerable.Range(0, SessionDials.MaxOrders).Select(_ =>
            _node.Machines.OpenSessionAsync(MachineHarness.Id, "exec", given.Token))];
        Assert.Equal("busy", (await Assert.ThrowsAsync<WorkloadException>(
            () => _node.Machines.OpenSessionAsync(MachineHarness.Id, "exec", default).WaitAsync(s_soon))).Reason);
        await given.CancelAsync();
        foreach (Task<Stream> one in waiting)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one.WaitAsync(s_soon));
        for (int i = 0; i < waiting.Length; i++)
            zguest.ExpectSession();
        (Stream stream, FakeGuest dialled) = await OpenAsync(monitor, zguest, secret);
        await stream.DisposeAsync();
        dialled.Dispose();
    }

    [Fact]
    public async Task Machine_that_is_not_there_has_not_started_or_ends_says_so()
    {
        Assert.Equal("not-running", await ReasonAsync());
        FakeMonitor monitor = _node.Start();
        Assert.Equal("not-running", await ReasonAsync());
        using FakeGuest zguest = monitor.Dial();
        zguest.TakeSpec(out _);
        Assert.Equal("not-running", await ReasonAsync());
        zguest.Send(GuestFrameType.Started, 0, """{"bootUs":5}""");
        Assert.StartsWith("started", _node.Events.Next(), StringComparison.Ordinal);
        Task<Stream> opening = _node.Machines.OpenSessionAsync(MachineHarness.Id, "exec", default);
        zguest.ExpectSession();
        zguest.Dispose();
        monitor.End(new ProcessExit(monitor.Pid, 0, 0));
        Assert.Equal("not-running", (await Assert.ThrowsAsync<WorkloadException>(() => opening.WaitAsync(s_soon))).Reason);

        async Task<string> ReasonAsync() => (await Assert.ThrowsAsync<WorkloadException>(
            () => _node.Machines.OpenSessionAsync(MachineHarness.Id, "exec", default).WaitAsync(s_soon))).Reason;
    }

    [Fact]
    public async Task Node_that_ends_ends_sessions_and_orders_and_the_machine_goes_on()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = Running(monitor, out byte[] secret);
        (Stream stream, FakeGuest dialled) = await OpenAsync(monitor, zguest, secret);
        Task<int> read = stream.ReadAsync(new byte[1]).AsTask();
        Task<Stream> opening = _node.Machines.OpenSessionAsync(MachineHarness.Id, "exec", default);
        zguest.ExpectSession();
        _node.Machines.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => read.WaitAsync(s_soon));
        await Assert.ThrowsAsync<WorkloadException>(() => opening.WaitAsync(s_soon));
        Assert.True(dialled.IsClosedByNode());
        dialled.Dispose();
    }

    private FakeGuest Running(FakeMonitor monitor, out byte[] secret)
    {
        FakeGuest zguest = monitor.Dial();
        secret = zguest.TakeSpec(out _);
        zguest.Send(GuestFrameType.Started, 0, """{"bootUs":5}""");
        Assert.StartsWith("started", _node.Events.Next(), StringComparison.Ordinal);
        return zguest;
    }

    private Task<(Stream Stream, FakeGuest Dialled)> OpenAsync(FakeMonitor monitor, FakeGuest zguest, byte[] secret) =>
        OpenAsync(monitor, zguest, secret, out _);

    private Task<(Stream Stream, FakeGuest Dialled)> OpenAsync(FakeMonitor monitor, FakeGuest zguest, byte[] secret, out byte[] token)
    {
        Task<Stream> opening = _node.Machines.OpenSessionAsync(MachineHarness.Id, "exec", default);
        token = zguest.ExpectSession().Token;
        FakeGuest dialled = monitor.Dial(GuestProtocol.SessionPort);
        dialled.Raw([.. secret, .. token]);
        return WaitAsync();

        async Task<(Stream, FakeGuest)> WaitAsync() => (await opening.WaitAsync(s_soon), dialled);
    }
}
