using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

using Xunit;

using ZeroOS.Host.Clock;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Host.Clock;

public sealed class NodeClockTests : IDisposable
{
    private static readonly DateTimeOffset s_floor = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly string _directory = Directory.CreateTempSubdirectory("zeroos-clock-").FullName;
    private readonly FakeClock _clock = new() { Now = s_floor + TimeSpan.FromDays(1) };
    private readonly List<TimeServer> _servers = [];

    [Fact]
    public async Task A_first_synchronisation_steps_back_from_a_stored_time_and_is_remembered()
    {
        await using NodeClock clock = Clock();
        Assert.Equal((false, "clock-unsynced"), (clock.Synced, clock.Trouble?.Reason));
        AddServers(3, -TimeSpan.FromHours(5));
        Assert.True(await clock.RoundAsync(default));
        Assert.Equal((true, null), (clock.Synced, clock.Trouble));
        Assert.InRange(_clock.Now - (s_floor + TimeSpan.FromHours(19)), -_clock.Error, _clock.Error);
        Assert.True(_clock.IsSynchronized);
        Assert.True(File.Exists(Path.Combine(_directory, "clock")));
    }

    [Fact]
    public async Task Without_an_answer_it_stays_unsynced_and_nothing_waits()
    {
        await using NodeClock clock = Clock();
        Assert.False(await clock.RoundAsync(default));
        Assert.Equal((false, "clock-unsynced", s_floor + TimeSpan.FromDays(1)), (clock.Synced, clock.Trouble?.Reason, _clock.Now));
    }

    [Fact]
    public async Task A_large_step_after_the_first_is_disputed_until_an_owner_vouches()
    {
        _clock.IsSynchronized = true;
        await using NodeClock clock = Clock();
        DateTimeOffset before = _clock.Now;
        AddServers(3, TimeSpan.FromHours(2));
        Assert.False(await clock.RoundAsync(default));
        Assert.Equal(("clock-disputed", before), (clock.Trouble?.Reason, _clock.Now));
        clock.Vouch(before + TimeSpan.FromHours(2));
        Assert.True(await clock.RoundAsync(default));
        Assert.InRange((_clock.Now - before).TotalHours, 1.99, 2.01);
        Assert.Null(clock.Trouble);
    }

    [Fact]
    public async Task A_small_difference_is_bent_away_and_a_lying_server_is_outvoted()
    {
        AddServers(2, TimeSpan.FromMilliseconds(150));
        AddServers(1, TimeSpan.FromDays(400));
        // Answers that take a second on a busy machine hide a difference this small: then they are asked again.
        for (int attempt = 0; attempt == 0 || (_clock.Error > TimeSpan.FromMilliseconds(300) && attempt < 20); attempt++)
        {
            _clock.Now = s_floor + TimeSpan.FromDays(1);
            await using NodeClock clock = Clock();
            Assert.True(await clock.RoundAsync(default));
        }
        Assert.InRange(_clock.Slewed - TimeSpan.FromMilliseconds(150), -_clock.Error, _clock.Error); // a busy machine answers late; the error says by how much
        Assert.Equal(s_floor + TimeSpan.FromDays(1), _clock.Now);
    }

    [Fact]
    public async Task Start_moves_a_clock_before_the_floor_to_the_last_known_time()
    {
        File.WriteAllText(Path.Combine(_directory, "clock"), (s_floor + TimeSpan.FromDays(3)).ToString("O"));
        _clock.Now = new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await using NodeClock clock = Clock();
        clock.Start();
        Assert.Equal(s_floor + TimeSpan.FromDays(3), _clock.Now);
        Assert.False(clock.Synced);
    }

    [Fact]
    public async Task A_stored_time_that_is_nonsense_leaves_the_floor()
    {
        File.WriteAllText(Path.Combine(_directory, "clock"), "yesterday");
        _clock.Now = new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await using NodeClock clock = Clock();
        clock.Start();
        Assert.Equal(s_floor, _clock.Now);
    }

    public void Dispose()
    {
        foreach (TimeServer server in _servers)
            server.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private NodeClock Clock() => new(_directory, s_floor, () => [.. _servers.Select(s => s.Address)], LineLog.Quiet, _clock, s_patience);

    private void AddServers(int count, TimeSpan offset)
    {
        for (int i = 0; i < count; i++)
            _servers.Add(new TimeServer(() => _clock.Now + offset));
    }

    private sealed class FakeClock : ISystemClock
    {
        public DateTimeOffset Now { get; set; }

        public bool IsSynchronized { get; set; }

        public TimeSpan Slewed { get; private set; }

        public void Step(DateTimeOffset time) => Now = time;

        public void Slew(TimeSpan offset) => Slewed = offset;

        public TimeSpan Error { get; private set; }

        public void MarkSynchronized(TimeSpan error) => (IsSynchronized, Error) = (true, error);
    }

    /// <summary>A time server on loopback.</summary>
    private sealed class TimeServer : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

        public TimeServer(Func<DateTimeOffset> time)
        {
            _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            AnsweringThread.Start("time server", () =>
            {
                byte[] buffer = new byte[64];
                while (true)
                {
                    EndPoint from = new IPEndPoint(IPAddress.Any, 0);
                    _socket.ReceiveFrom(buffer, ref from);
                    // A forged answer with a wrong number goes first: it must not count.
                    _socket.SendTo(SntpTests.Answer(time() + TimeSpan.FromDays(9), TimeSpan.Zero, 1), from);
                    _socket.SendTo(SntpTests.Answer(time(), TimeSpan.Zero, BinaryPrimitives.ReadUInt64BigEndian(buffer.AsSpan(40))), from);
                }
            });
        }

        public string Address => _socket.LocalEndPoint!.ToString()!;

        public void Dispose() => _socket.Dispose();
    }
}
