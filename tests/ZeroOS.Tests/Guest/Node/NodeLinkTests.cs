using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Health;
using ZeroOS.Guest.Node;
using ZeroOS.Guest.Output;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Node;

/// <summary>zguest's connection to the node; the test plays the node on the other end of each connection.</summary>
public sealed class NodeLinkTests : IDisposable
{
    private static readonly byte[] s_secret = [.. Enumerable.Range(100, GuestProtocol.SecretBytes).Select(i => (byte)i)];
    private readonly BlockingCollection<(StreamSocket Guest, StreamSocket Node)> _dialled = [];
    private readonly OutputRing _ring = new(64 * 1024, TimeSpan.FromSeconds(5));
    private readonly HealthReports _health = new();
    private readonly Orders _orders = new();
    private readonly List<NodeEnd> _ends = [];
    private readonly NodeLink _link;
    private volatile bool _refuse;

    public NodeLinkTests()
    {
        _link = new NodeLink(_ring, _health, _orders, 42, Dial);
        _link.Start();
    }

    // The threads of the link end with the process, as zguest's do; they find nobody to talk to.
    public void Dispose()
    {
        _refuse = true;
        _ends.ForEach(e => e.Dispose());
    }

    [Fact]
    public async Task A_guest_takes_its_specification_claims_it_and_may_start_only_when_it_is_answered()
    {
        NodeEnd node = Connected();
        GuestHello hello = node.Hello();
        Assert.Equal((1, false, false, null, 42L), (hello.Version, hello.HasSpec, hello.Running, hello.Secret, hello.BootUs));
        node.SendSpec("web");
        Assert.Equal(s_secret, node.Expect(GuestFrameType.Claim));
        Task<GuestSpec> spec = Task.Run(_link.WaitForSpec);
        Assert.True(await Task.WhenAny(spec, Task.Delay(50)) != spec, "it started before the node had answered");
        node.LogsFrom(0);
        await spec.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("web", (await spec).Hostname);
    }

    [Fact]
    public void A_guest_that_knows_its_specification_shows_the_secret_on_each_later_connection()
    {
        NodeEnd first = Started();
        first.Dispose();
        GuestHello hello = Connected().Hello();
        Assert.True(hello.HasSpec);
        Assert.Equal(s_secret, hello.Secret);
    }

    [Fact]
    public async Task A_guest_that_lost_the_answer_to_its_claim_shows_the_secret_and_waits()
    {
        NodeEnd first = Connected();
        first.Hello();
        first.SendSpec("web");
        first.Expect(GuestFrameType.Claim);
        Task<GuestSpec> spec = Task.Run(_link.WaitForSpec);
        first.Dispose();
        NodeEnd second = Connected();
        Assert.Equal(s_secret, second.Hello().Secret);
        Assert.True(await Task.WhenAny(spec, Task.Delay(50)) != spec, "it started before the node had answered");
        second.LogsFrom(0);
        await spec.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Start_and_end_are_said_again_on_each_connection_until_the_end_is_acknowledged_and_output_comes_before_the_end()
    {
        NodeEnd first = Started();
        _link.ReportStarted(new GuestStarted { BootUs = 1 });
        first.Expect(GuestFrameType.Started);
        _ring.Append(OutputStream.StandardOutput, "out"u8);
        _link.OutputCame();
        Assert.Equal("out", first.Log(out long offset));
        Assert.Equal(0, offset);
        _link.ReportExited(new GuestExited { Code = 3 });
        first.Expect(GuestFrameType.Exited);
        first.Dispose();

        NodeEnd second = Connected();
        Assert.False(second.Hello().Running);
        second.Expect(GuestFrameType.Started);
        second.LogsFrom(1);
        Assert.Equal("ut", second.Log(out offset));
        Assert.Equal(1, offset);
        second.Expect(GuestFrameType.Exited);
        second.Send(GuestFrameType.Acknowledge, []);
        _link.WaitForAcknowledgement(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Health_is_said_only_on_a_connection_that_asked_for_it_and_again_on_the_next()
    {
        _health.Put(HealthState.Healthy, 0, new GuestProbeResult { Number = 1, StartMs = 1, EndMs = 2, ExitCode = 0 });
        NodeEnd first = Started();
        _ring.Append(OutputStream.StandardOutput, "out"u8);
        _link.OutputCame();
        Assert.Equal("out", first.Log(out _));
        first.Send(GuestFrameType.HealthWanted, []);
        Assert.Equal((HealthState.Healthy, 1), Health(first));
        _health.Put(HealthState.Unhealthy, 3, new GuestProbeResult { Number = 2, StartMs = 3, EndMs = 4, ExitCode = 1 });
        _link.HealthCame();
        Assert.Equal((HealthState.Unhealthy, 2), Health(first));
        first.Dispose();

        NodeEnd second = Connected();
        second.Hello();
        second.LogsFrom(3);
        second.Send(GuestFrameType.HealthWanted, []);
        Assert.Equal([(HealthState.Unhealthy, 1L), (HealthState.Unhealthy, 2L)], ((HealthState, long)[])[Health(second), Health(second)]);

        static (HealthState, long) Health(NodeEnd node) =>
            JsonSerializer.Deserialize(node.Expect(GuestFrameType.Health), GuestJson.Default.GuestHealthReport) is { } report
                ? (report.State, report.Result!.Number) : default;
    }

    [Fact]
    public void What_the_workload_uses_is_said_once_for_each_question()
    {
        NodeEnd first = Started();
        first.Send(GuestFrameType.UseWanted, []);
        Assert.Equal(1, Pids(first));
        first.Send(GuestFrameType.UseWanted, []);
        Assert.Equal(2, Pids(first));
        first.Dispose();

        // Nobody asked on this one.
        NodeEnd second = Connected();
        second.Hello();
        _ring.Append(OutputStream.StandardOutput, "out"u8);
        second.LogsFrom(0);
        Assert.Equal("out", second.Log(out _));
        second.Send(GuestFrameType.UseWanted, []);
        Assert.Equal(3, Pids(second));

        static int? Pids(NodeEnd node) => JsonSerializer.Deserialize(node.Expect(GuestFrameType.Use), GuestJson.Default.GuestUse)!.Pids;
    }

    [Fact]
    public void Orders_are_obeyed_and_what_cannot_be_read_is_left_out()
    {
        NodeEnd node = Started();
        node.Send(GuestFrameType.Stop, "{"u8);
        node.Send(GuestFrameType.Signal, [1]);
        node.Send((GuestFrameType)99, "?"u8);
        node.Send(GuestFrameType.Signal, [10, 0, 0, 0]);
        node.Send(GuestFrameType.GrowDisk, "rw"u8);
        node.Send(GuestFrameType.Stop, """{"graceMs":7}"""u8);
        Assert.Equal(["signal 10", "grow rw", "stop 7"], (string[])[_orders.Next(), _orders.Next(), _orders.Next()]);
    }

    [Fact]
    public void Order_to_make_a_session_comes_with_the_secret_and_not_before_there_is_one()
    {
        byte[] order = JsonSerializer.SerializeToUtf8Bytes(new GuestSession { Kind = "exec", Token = new byte[GuestProtocol.TokenBytes] },
            GuestJson.Default.GuestSession);
        NodeEnd node = Connected();
        node.Hello();
        node.Send(GuestFrameType.Session, order);
        node.Send(GuestFrameType.Signal, [1, 0, 0, 0]);
        Assert.Equal("signal 1", _orders.Next());
        node.SendSpec("web");
        node.Expect(GuestFrameType.Claim);
        node.Send(GuestFrameType.Session, order);
        Assert.Equal("dial exec 16 with the secret", _orders.Next());
    }

    [Fact]
    public async Task An_acknowledgement_of_nothing_is_not_taken_for_one_of_the_end()
    {
        NodeEnd node = Started();
        node.Send(GuestFrameType.Acknowledge, []);
        node.Send(GuestFrameType.Signal, [1, 0, 0, 0]);
        Assert.Equal("signal 1", _orders.Next());
        _link.ReportFailed(new GuestFailure { Stage = "root", Message = "no" });
        node.Expect(GuestFrameType.Failed);
        Task waited = Task.Run(() => _link.WaitForAcknowledgement(null));
        Assert.True(await Task.WhenAny(waited, Task.Delay(50)) != waited, "an old acknowledgement was believed");
        node.Send(GuestFrameType.Acknowledge, []);
        await waited.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private StreamSocket? Dial(out Errno errno)
    {
        errno = _refuse ? Errno.ECONNREFUSED : Errno.None;
        if (_refuse)
            return null;
        (StreamSocket guest, StreamSocket node) = StreamSocket.Pair();
        _dialled.Add((guest, node));
        return guest;
    }

    private NodeEnd Connected()
    {
        Assert.True(_dialled.TryTake(out (StreamSocket Guest, StreamSocket Node) pair, 20_000), "the guest does not dial");
        NodeEnd end = new(pair.Node);
        _ends.Add(end);
        return end;
    }

    private NodeEnd Started()
    {
        NodeEnd node = Connected();
        node.Hello();
        node.SendSpec("web");
        node.Expect(GuestFrameType.Claim);
        node.LogsFrom(0);
        _ = _link.WaitForSpec();
        return node;
    }

    private sealed class NodeEnd(StreamSocket socket) : IDisposable
    {
        public GuestHello Hello() => JsonSerializer.Deserialize(Expect(GuestFrameType.Hello), GuestJson.Default.GuestHello)!;

        public void SendSpec(string hostname)
        {
            GuestSpec spec = new() { Hostname = hostname, RootDisk = "root", WritableDisk = "rw", Process = new GuestProcess { Arguments = ["/bin/true"] } };
            Send(GuestFrameType.Spec, [.. s_secret, .. JsonSerializer.SerializeToUtf8Bytes(spec, GuestJson.Default.GuestSpec)]);
        }

        public void LogsFrom(long offset) => Send(GuestFrameType.LogsFrom, BitConverter.GetBytes(offset));

        public string Log(out long offset)
        {
            byte[] payload = Expect(GuestFrameType.Log);
            offset = BitConverter.ToInt64(payload);
            return Encoding.ASCII.GetString(payload.AsSpan(sizeof(long)));
        }

        public void Send(GuestFrameType type, ReadOnlySpan<byte> payload) =>
            Assert.Equal(Errno.None, socket.TrySendAll(GuestFrameBuffer.Frame(type, 0, payload)));

        public byte[] Expect(GuestFrameType type)
        {
            byte[] header = Exactly(GuestProtocol.HeaderSize);
            Assert.Equal(type, (GuestFrameType)header[4]);
            return Exactly(BitConverter.ToInt32(header));
        }

        public void Dispose()
        {
            // Its number may be another's by then.
            if (socket.Descriptor.IsClosed)
                return;
            socket.Shutdown();
            socket.Dispose();
        }

        private byte[] Exactly(int count)
        {
            byte[] bytes = new byte[count];
            for (int have = 0; have < count;)
            {
                int read = socket.Descriptor.Read(bytes.AsSpan(have));
                Assert.True(read > 0, "the guest closed the connection");
                have += read;
            }
            return bytes;
        }
    }

    private sealed class Orders : INodeOrders
    {
        private readonly BlockingCollection<string> _given = [];
        private int _asked;

        public string Next() => _given.TryTake(out string? next, 20_000) ? next : "nothing";

        public void Stop(GuestStop stop) => _given.Add($"stop {stop.GraceMs}");

        public void Signal(int number) => _given.Add($"signal {number}");

        public void GrowDisk(string serial) => _given.Add($"grow {serial}");

        public GuestUse Use() => new() { Pids = ++_asked };

        public void Dial(GuestSession order, byte[] secret) =>
            _given.Add($"dial {order.Kind} {order.Token.Length} {(secret.AsSpan().SequenceEqual(s_secret) ? "with" : "without")} the secret");
    }
}
