using System.Buffers.Binary;
using System.Text;
using System.Threading.Channels;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Host.Guests;
using ZeroOS.Host.Loops;
using ZeroOS.Linux;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Host.Guests;

public sealed class GuestConnectionTests : IDisposable
{
    private readonly ClientLoop _loop = new("test", LineLog.Quiet);
    private readonly SharedBudget _unsent = new(32 << 20);

    private static readonly GuestSpec s_spec = new()
    {
        Hostname = "web",
        RootDisk = "root",
        WritableDisk = "rw",
        Process = new GuestProcess { Arguments = ["/bin/true"] },
    };

    public void Dispose() => _loop.Dispose();

    [Fact]
    public async Task Hello_is_answered_and_started_logs_and_exit_are_reported_in_order()
    {
        (FileDescriptor node, FileDescriptor guest) = Pair();
        using FileDescriptor guestEnd = guest;
        Recorder events = new() { OnHello = c => c.SendSpec(s_secret, s_spec), OnClaim = c => c.LogsFrom(7) };
        GuestConnection connection = Open(node, events);

        guest.Write(Frame(GuestFrameType.Hello, 0, """{"version":1,"hasSpec":false,"running":false,"bootUs":5}"""));
        Assert.Equal("hello False", await events.Next());
        (GuestFrameType type, byte[] payload) = ReadFrame(guest);
        Assert.Equal(GuestFrameType.Spec, type);
        Assert.Equal(s_secret, payload[..GuestProtocol.SecretBytes]);
        guest.Write(GuestFrameBuffer.Frame(GuestFrameType.Claim, 0, s_secret));
        Assert.Equal("claim True", await events.Next());
        (type, payload) = ReadFrame(guest);
        Assert.Equal((GuestFrameType.LogsFrom, 7), (type, BinaryPrimitives.ReadInt64LittleEndian(payload)));

        guest.Write(Frame(GuestFrameType.Started, 0, """{"bootUs":9}"""));
        guest.Write(Log(1, 7, "out"));
        guest.Write(Log(2, 10, "err"));
        guest.Write(Frame(GuestFrameType.Exited, 0, """{"code":137,"signal":9,"outOfMemory":true}"""));
        Assert.Equal("started 9", await events.Next());
        Assert.Equal("log 7 1 out", await events.Next());
        Assert.Equal("log 10 2 err", await events.Next());
        Assert.Equal("exited 137 9 True", await events.Next());

        _loop.Post(connection, connection.Acknowledge);
        Assert.Equal(GuestFrameType.Acknowledge, ReadFrame(guest).Type);
        guest.Dispose();
        Assert.Equal("closed ", await events.Next());
    }

    [Theory]
    [InlineData(GuestFrameType.Started, """{"bootUs":9}""", "a frame before hello")]
    [InlineData(GuestFrameType.Hello, """{"version":2,"hasSpec":false,"running":false}""", "a hello that cannot be read")]
    [InlineData(GuestFrameType.Hello, """{"version":1,"hasSpec":false,"running":false,"more":1}""", "a hello that cannot be read")]
    [InlineData(GuestFrameType.Hello, """{"version":1,"hasSpec":true,"running":false}""", "a hello that cannot be read")]
    [InlineData(GuestFrameType.Hello, """{"version":1,"hasSpec":false,"running":false,"secret":"AA=="}""", "a hello that cannot be read")]
    public void What_is_not_allowed_first_ends_the_connection(GuestFrameType type, string json, string violation) =>
        Assert.Equal(violation, Deliver(new Recorder(), Frame(type, 0, json)));

    [Theory]
    [InlineData(GuestFrameType.Hello, """{"version":1,"hasSpec":true,"running":true}""", "a second hello")]
    [InlineData(GuestFrameType.Spec, "{}", "a frame of type 2, which guests do not send now")]
    [InlineData(GuestFrameType.Exited, """{"code":-1}""", "an exit that cannot be read")]
    public void What_is_not_allowed_later_ends_the_connection(GuestFrameType type, string json, string violation) =>
        Assert.Equal(violation, Deliver(new Recorder(), [.. Hello, .. Frame(type, 0, json)]));

    [Theory]
    [InlineData(GuestFrameType.Started, """{"bootUs":9}""", "a second start")]
    [InlineData(GuestFrameType.Exited, """{"code":0}""", "a second end")]
    [InlineData(GuestFrameType.Failed, """{"stage":"root","message":"no"}""", "a second end")]
    public void What_is_said_once_is_not_said_twice(GuestFrameType type, string json, string violation) =>
        Assert.Equal(violation, Deliver(new Recorder(), [.. Hello, .. Frame(type, 0, json), .. Frame(type, 0, json)]));

    [Fact]
    public void Nothing_but_the_claim_follows_a_hello_without_a_specification()
    {
        byte[] hello = Frame(GuestFrameType.Hello, 0, """{"version":1,"hasSpec":false,"running":false}""");
        Assert.Equal("a frame before it took its specification", Deliver(new Recorder(), [.. hello, .. Log(1, 0, "x")]));
        Assert.Equal("a claim that cannot be read", Deliver(new Recorder(), [.. hello, .. GuestFrameBuffer.Frame(GuestFrameType.Claim, 0, new byte[31])]));
        Assert.Null(Deliver(new Recorder(), [.. hello, .. GuestFrameBuffer.Frame(GuestFrameType.Claim, 0, s_secret), .. Log(1, 0, "x")]));
    }

    [Theory]
    [InlineData("{}", "use     ")]
    [InlineData("""{"pids":3,"pidsLimit":100,"cpuPressurePer10000":10000,"memoryPressurePer10000":0,"ioPressurePer10000":7}""", "use 3 100 10000 0 7")]
    [InlineData("""{"pids":4194304}""", "use 4194304    ")]
    [InlineData("""{"pids":4194305}""", null)]
    [InlineData("""{"pids":-1}""", null)]
    [InlineData("""{"pids":1.5}""", null)]
    [InlineData("""{"pidsLimit":-1}""", null)]
    [InlineData("""{"pidsLimit":4194305}""", null)]
    [InlineData("""{"cpuPressurePer10000":10001}""", null)]
    [InlineData("""{"memoryPressurePer10000":-1}""", null)]
    [InlineData("""{"ioPressurePer10000":10001}""", null)]
    [InlineData("""{"more":1}""", null)]
    public void Use_is_reported_or_ends_the_connection(string json, string? said)
    {
        Recorder events = new();
        Assert.Equal(said is null ? "what its workload uses, which cannot be read" : null,
            Deliver(events, [.. Hello, .. Frame(GuestFrameType.Use, 0, json)]));
        Assert.Equal(said, events.Seen.Find(s => s.StartsWith("use", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("""{"state":"healthy"}""", "Healthy 0   ")]
    [InlineData("""{"state":"unhealthy","failingStreak":3,"result":{"number":9,"startMs":1,"endMs":2,"exitCode":-1,"output":"b2s="}}""", "Unhealthy 3 9 -1 2")]
    [InlineData("""{"state":"starting","result":{"number":1,"startMs":253402300799999,"endMs":0,"exitCode":255}}""", "Starting 0 1 255 0")]
    [InlineData("""{"state":"ill"}""", null)]
    [InlineData("""{"state":1}""", null)]
    [InlineData("""{"state":"healthy","failingStreak":-1}""", null)]
    [InlineData("""{"state":"healthy","result":{"number":0,"startMs":1,"endMs":2,"exitCode":0}}""", null)]
    [InlineData("""{"state":"healthy","result":{"number":1,"startMs":-1,"endMs":2,"exitCode":0}}""", null)]
    [InlineData("""{"state":"healthy","result":{"number":1,"startMs":1,"endMs":253402300800000,"exitCode":0}}""", null)]
    [InlineData("""{"state":"healthy","result":{"number":1,"startMs":1,"endMs":2,"exitCode":256}}""", null)]
    [InlineData("""{"state":"healthy","result":{"number":1,"startMs":1,"endMs":2,"exitCode":0,"output":"not base64"}}""", null)]
    public void Health_is_reported_or_ends_the_connection(string json, string? said)
    {
        Recorder events = new();
        Assert.Equal(said is null ? "a health report that cannot be read" : null, Deliver(events, [.. Hello, .. Frame(GuestFrameType.Health, 0, json)]));
        Assert.Equal(said is null ? "hello True" : $"health {said}", events.Seen[^1]);
    }

    [Fact]
    public void Output_of_a_probe_beyond_what_is_kept_ends_the_connection()
    {
        byte[] Report(int bytes) => [.. Hello, .. Frame(GuestFrameType.Health, 0,
            $$$"""{"state":"healthy","result":{"number":1,"startMs":1,"endMs":2,"exitCode":0,"output":"{{{Convert.ToBase64String(new byte[bytes])}}}"}}""")];
        Assert.Null(Deliver(new Recorder(), Report(4096)));
        Assert.Equal("a health report that cannot be read", Deliver(new Recorder(), Report(4097)));
    }

    [Fact]
    public async Task A_handler_that_throws_ends_its_connection_and_no_other()
    {
        (FileDescriptor node, FileDescriptor guest) = Pair();
        (FileDescriptor otherNode, FileDescriptor other) = Pair();
        using FileDescriptor guestEnd = guest, otherEnd = other;
        Recorder faulty = new() { OnHello = _ => throw new InvalidOperationException("no") }, good = new();
        _ = Open(node, faulty);
        _ = Open(otherNode, good);
        guest.Write(Hello);
        Assert.Equal("hello True", await faulty.Next());
        Assert.Equal("closed the node cannot serve it: InvalidOperationException: no", await faulty.Next());
        other.Write(Hello);
        Assert.Equal("hello True", await good.Next());
    }

    [Fact]
    public void A_log_offset_that_goes_back_or_wraps_ends_the_connection()
    {
        Assert.Equal("a log offset that goes back", Deliver(new Recorder(), [.. Hello, .. Log(1, 5, "abc"), .. Log(1, 7, "x")]));
        Assert.Equal("a log offset that goes back", Deliver(new Recorder(), [.. Hello, .. Log(1, long.MaxValue - 1, "abc")]));
    }

    [Fact]
    public void A_frame_announced_too_long_ends_the_connection_before_its_payload_comes()
    {
        byte[] header = new byte[GuestProtocol.HeaderSize];
        GuestFrameBuffer.WriteHeader(header, GuestFrameType.Log, 1, GuestProtocol.MaxGuestPayload + 1);
        Assert.Equal("a frame longer than the protocol allows", Deliver(new Recorder(), [.. Hello, .. header]));
    }

    [Fact]
    public void A_failure_is_reported_without_control_characters_and_cut()
    {
        Recorder events = new();
        string message = new string('x', 5000) + "";
        Assert.Null(Deliver(events, [.. Hello, .. Frame(GuestFrameType.Failed, 0, $$"""{"stage":"ro\u001bot","message":"{{message}}"}""")]));
        Assert.Equal("failed ro?ot 1024", events.Seen[^1]);
    }

    [Fact]
    public async Task A_guest_that_does_not_read_is_dropped_instead_of_filling_memory()
    {
        (FileDescriptor node, FileDescriptor guest) = Pair();
        using FileDescriptor guestEnd = guest;
        Recorder events = new();
        GuestConnection connection = Open(node, events);
        GuestSpec large = s_spec with { Hosts = [new string('a', 200_000)] };
        for (int i = 0; i < 20; i++)
            _loop.Post(connection, () => connection.SendSpec(s_secret, large));
        Assert.Equal("closed the guest does not read what it is sent", await events.Next());
        Assert.Equal(0, _unsent.Held);
    }

    [Fact]
    public void Ten_thousand_mutations_never_throw_and_never_hold_more_than_one_frame()
    {
        byte[] good =
        [
            .. Hello, .. Frame(GuestFrameType.Started, 0, """{"bootUs":9}"""), .. Log(1, 0, "some output\n"), .. Log(2, 12, "more"),
            .. Frame(GuestFrameType.Failed, 0, """{"stage":"root","message":"no","code":125}"""),
        ];
        Assert.Null(Deliver(new Recorder(), good));
        Random random = new(20260701);
        int refused = 0;
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bad = (byte[])good.Clone();
            for (int flips = random.Next(1, 8); flips > 0; flips--)
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            refused += Deliver(new Recorder(), bad.AsSpan(0, random.Next(bad.Length + 1))) is null ? 0 : 1;
        }
        Assert.InRange(refused, 1000, 10_000);
    }

    private static readonly byte[] s_secret = [.. Enumerable.Range(1, GuestProtocol.SecretBytes).Select(i => (byte)i)];

    private GuestConnection Open(FileDescriptor socket, Recorder events)
    {
        GuestConnection connection = new(_loop, new StreamSocket(socket), events, _unsent);
        _loop.Post(connection, connection.Open);
        return connection;
    }

    private static byte[] Hello =>
        Frame(GuestFrameType.Hello, 0, $$"""{"version":1,"hasSpec":true,"running":false,"secret":"{{Convert.ToBase64String(s_secret)}}"}""");

    private static byte[] Frame(GuestFrameType type, uint stream, string json) => GuestFrameBuffer.Frame(type, stream, Encoding.UTF8.GetBytes(json));

    private static byte[] Log(uint stream, long offset, string text)
    {
        byte[] payload = new byte[8 + text.Length];
        BinaryPrimitives.WriteInt64LittleEndian(payload, offset);
        Encoding.ASCII.GetBytes(text, payload.AsSpan(8));
        return GuestFrameBuffer.Frame(GuestFrameType.Log, stream, payload);
    }

    /// <summary>An entry point for fuzzing: false when the bytes end the connection.</summary>
    internal bool TryDeliver(byte[] bytes) => Deliver(new Recorder(), bytes) is null;

    // Bytes come in pieces of any size, as from a socket.
    private string? Deliver(Recorder events, ReadOnlySpan<byte> bytes)
    {
        using FileDescriptor unused = FileDescriptor.Memory("unused");
        GuestConnection connection = new(_loop, new StreamSocket(unused), events, _unsent);
        GuestFrameBuffer buffer = new(GuestProtocol.MaxGuestPayload);
        while (!bytes.IsEmpty)
        {
            Span<byte> room = buffer.Room();
            int n = Math.Min(Math.Min(room.Length, 37), bytes.Length);
            bytes[..n].CopyTo(room);
            buffer.Filled(n);
            bytes = bytes[n..];
            if (connection.Deliver(buffer) is string violation)
                return violation;
        }
        return null;
    }

    private static (FileDescriptor, FileDescriptor) Pair()
    {
        (StreamSocket one, StreamSocket other) = StreamSocket.Pair();
        return (one.Descriptor, other.Descriptor);
    }

    private static (GuestFrameType Type, byte[] Payload) ReadFrame(FileDescriptor socket)
    {
        byte[] header = new byte[GuestProtocol.HeaderSize];
        ReadExactly(socket, header);
        byte[] payload = new byte[BinaryPrimitives.ReadInt32LittleEndian(header)];
        ReadExactly(socket, payload);
        return ((GuestFrameType)header[4], payload);
    }

    private static void ReadExactly(FileDescriptor socket, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int n = socket.Read(buffer);
            Assert.NotEqual(0, n);
            buffer = buffer[n..];
        }
    }

    private sealed class Recorder : IGuestEvents
    {
        private readonly Channel<string> _channel = Channel.CreateUnbounded<string>();

        public List<string> Seen { get; } = [];

        public Action<GuestConnection>? OnHello { get; init; }

        public Action<GuestConnection>? OnClaim { get; init; }

        public async Task<string> Next()
        {
            using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(20));
            return await _channel.Reader.ReadAsync(deadline.Token);
        }

        public string? Hello(GuestConnection connection, GuestHello hello)
        {
            Say($"hello {hello.HasSpec}");
            OnHello?.Invoke(connection);
            return null;
        }

        public string? Claim(GuestConnection connection, ReadOnlySpan<byte> secret)
        {
            Say($"claim {secret.SequenceEqual(s_secret)}");
            OnClaim?.Invoke(connection);
            return null;
        }

        public void Started(GuestConnection connection, GuestStarted started) => Say($"started {started.BootUs}");

        public void Exited(GuestConnection connection, GuestExited exited) => Say($"exited {exited.Code} {exited.Signal} {exited.OutOfMemory}");

        public void Failed(GuestConnection connection, GuestFailure failure) => Say($"failed {failure.Stage} {failure.Message.Length}");

        public string? Log(GuestConnection connection, long offset, OutputStream stream, ReadOnlySpan<byte> bytes)
        {
            Say($"log {offset} {(int)stream} {Encoding.ASCII.GetString(bytes)}");
            return null;
        }

        public string? Health(GuestConnection connection, GuestHealthReport report)
        {
            Say($"health {report.State} {report.FailingStreak} {report.Result?.Number} {report.Result?.ExitCode} {report.Result?.Output.Length}");
            return null;
        }

        public string? Use(GuestConnection connection, GuestUse use)
        {
            Say($"use {use.Pids} {use.PidsLimit} {use.CpuPressurePer10000} {use.MemoryPressurePer10000} {use.IoPressurePer10000}");
            return null;
        }

        public void Delivered(GuestConnection connection)
        {
        }

        public void Closed(GuestConnection connection, string? violation) => Say($"closed {violation}");

        private void Say(string what)
        {
            Seen.Add(what);
            _channel.Writer.TryWrite(what);
        }
    }
}
