using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Vmm.Control;
using ZeroOS.Vmm.Events;

namespace ZeroOS.Tests.Vmm.Control;

public sealed class ControlSocketTests : IDisposable
{
    private readonly EventLoop _loop = new();
    private readonly SeqPacketSocket _node;
    private readonly ControlSocket _control;
    private readonly List<string> _done = [];

    public ControlSocketTests()
    {
        (_node, SeqPacketSocket monitor) = SeqPacketSocket.Pair();
        _control = new ControlSocket(_loop, monitor, (exit, _) => _done.Add($"end {exit}"), () => new Dictionary<string, long> { ["a"] = 5 })
        {
            PowerButton = () => _done.Add("button"),
            Reconnected = () => _done.Add("reconnected"),
            BalloonTarget = bytes => _done.Add($"balloon {bytes}"),
            StatisticsAsked = () => _done.Add("asked"),
        };
    }

    public void Dispose()
    {
        _node.Dispose();
        _loop.Dispose();
    }

    [Theory]
    [InlineData("""{"verb":"PowerButton"}""", "button")]
    [InlineData("""{"verb":"Kill"}""", "end Killed")]
    [InlineData("""{"verb":"Hello"}""", "reconnected")]
    [InlineData("""{"verb":"SetBalloon","balloonBytes":4096}""", "balloon 4096")]
    [InlineData("""{"verb":"SetBalloon"}""", "balloon 0")]
    [InlineData("""{"verb":"GetStatistics"}""", "asked")]
    public void Each_verb_of_the_node_is_done(string message, string done)
    {
        Say(message);
        Assert.Equal([done], _done);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"verb":"Fly"}""")]
    [InlineData("""{"verb":"Statistics"}""")]
    [InlineData("""{"verb":"Kill","spare":1}""")]
    [InlineData("""{"verb":"SetBalloon","balloonBytes":1e99}""")]
    public void Nonsense_does_nothing(string message)
    {
        if (message.Length > 0)
            Say(message);
        Assert.Empty(_done);
    }

    [Fact]
    public void State_is_said_when_it_changes_and_to_a_node_that_is_new()
    {
        _control.Say(MachineState.Running, "it runs");
        Assert.Equal((MachineState.Running, "it runs"), State());
        Say("""{"verb":"Hello"}""");
        Assert.Equal((MachineState.Running, "it runs"), State());
    }

    [Fact]
    public void Statistics_are_answered()
    {
        Say("""{"verb":"GetStatistics"}""");
        Assert.Equal(5, Hear().Counters!["a"]);
    }

    [Fact]
    public void A_connection_is_offered_with_its_descriptor_and_refused_when_the_node_takes_nothing()
    {
        using FileDescriptor end = FileDescriptor.Memory("end");
        Assert.True(_control.TryAccept(1024, end));
        byte[] buffer = new byte[SeqPacketSocket.MaxMessage];
        Assert.Equal(Errno.None, _node.TryReceive(buffer, out _, out FileDescriptor[] descriptors));
        Assert.Single(descriptors)!.Dispose();
        int offered = 0;
        while (offered < 100_000 && _control.TryAccept(1024, end))
            offered++;
        Assert.True(offered < 100_000);
    }

    [Fact]
    public void When_the_node_is_gone_for_ever_the_loop_sleeps()
    {
        _node.Dispose();
        Assert.True(_loop.Turn(0));
        Assert.False(_loop.Turn(0));
        Assert.False(_control.TryAccept(1, FileDescriptor.Memory("end")));
    }

    [Fact]
    public void Descriptors_that_nobody_asked_for_are_closed()
    {
        (FileDescriptor read, FileDescriptor write) = Pipe.NonBlocking();
        Assert.Equal(Errno.None, _node.TrySend("""{"verb":"PowerButton"}"""u8, [write.Number]));
        write.Dispose();
        _loop.Turn(1000);
        Assert.Equal(0, read.Read(new byte[1]));
        read.Dispose();
    }

    private void Say(string message)
    {
        Assert.Equal(Errno.None, _node.TrySend(Encoding.UTF8.GetBytes(message)));
        Assert.True(_loop.Turn(1000));
    }

    private MonitorMessage Hear()
    {
        byte[] buffer = new byte[SeqPacketSocket.MaxMessage];
        Assert.Equal(Errno.None, _node.TryReceive(buffer, out int length, out _, wait: false));
        return JsonSerializer.Deserialize(buffer.AsSpan(0, length), MonitorJson.Default.MonitorMessage)!;
    }

    private (MachineState?, string?) State() => Hear() is { Verb: MonitorVerb.State } m ? (m.State, m.Reason) : (null, null);
}
