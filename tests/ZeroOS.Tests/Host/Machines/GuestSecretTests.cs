using System.Collections.Concurrent;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Host.Machines;
using ZeroOS.Host.Processes;
using ZeroOS.Linux;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>Any process of a guest may dial zguest's port; without the machine's secret it hears nothing, changes nothing, and keeps nobody out.</summary>
public sealed class GuestSecretTests : IDisposable
{
    private readonly MachineHarness _node = new();

    public void Dispose() => _node.Dispose();

    [Fact]
    public void Another_process_of_the_guest_gets_no_specification_and_zguests_connection_stays()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = monitor.Dial();
        zguest.TakeSpec(out _);

        using FakeGuest intruder = monitor.Dial();
        intruder.Hello();

        Assert.Equal([], intruder.ReadToEnd());
        AssertHeard(zguest);
    }

    [Fact]
    public void A_guest_that_breaks_the_protocol_on_every_connection_makes_a_few_lines_and_the_rest_are_counted()
    {
        BlockingCollection<string> lines = [];
        using MachineHarness node = new(new LineLog(lines.Add));
        FakeMonitor monitor = node.Start();
        // As many as are taken at once: each is told why it ends, in the log and nowhere else.
        for (int i = 0; i < GuestPlace.ConnectBurst; i++)
        {
            using FakeGuest intruder = monitor.Dial();
            intruder.Send(GuestFrameType.Log, 1, "no hello before");
            Assert.True(intruder.IsClosedByNode());
        }
        string[] said = [.. lines.Where(l => l.Contains("guest connection ended", StringComparison.Ordinal))];
        Assert.InRange(said.Length, 1, GuestPlace.LogBurst + 1); // one more when this took half a minute
        Assert.All(said, l => Assert.Contains("a frame before hello", l, StringComparison.Ordinal));
    }

    [Fact]
    public void Another_process_of_the_guest_cannot_forge_the_end_nor_silence_the_log()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = monitor.Dial();
        zguest.TakeSpec(out _);
        using (FakeGuest intruder = monitor.Dial())
        {
            intruder.Hello(new byte[GuestProtocol.SecretBytes], running: true);
            intruder.Log(long.MaxValue - 1, 1, "x");
            intruder.Send(GuestFrameType.Exited, 0, """{"code":0}""");
            Assert.Equal([], intruder.ReadToEnd());
        }
        AssertHeard(zguest);
        zguest.Send(GuestFrameType.Exited, 0, """{"code":1}""");
        zguest.Expect(GuestFrameType.Acknowledge);
        monitor.End(new ProcessExit(monitor.Pid, 0, 0));
        zguest.Dispose();
        Assert.Equal("ended PoweredOff  1 the workload exited with code 1", _node.Events.Next());
    }

    [Fact]
    public void A_silent_process_of_the_guest_keeps_zguest_neither_out_nor_waiting()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest silent = monitor.Dial(), zguest = monitor.Dial();
        byte[] secret = zguest.TakeSpec(out _);
        using FakeGuest silentAgain = monitor.Dial(), later = monitor.Dial();
        later.Return(secret);
        Assert.True(zguest.IsClosedByNode());
        AssertHeard(later);
    }

    [Fact]
    public void Zguest_that_lost_its_connection_before_it_had_the_secret_asks_again()
    {
        FakeMonitor monitor = _node.Start();
        byte[] first;
        using (FakeGuest cut = monitor.Dial())
        {
            cut.Hello();
            first = cut.Expect(GuestFrameType.Spec)[..GuestProtocol.SecretBytes];
        }
        using FakeGuest again = monitor.Dial();
        Assert.Equal(first, again.TakeSpec(out _));
        AssertHeard(again);
    }

    [Fact]
    public void Zguest_that_lost_the_answer_to_its_claim_comes_with_the_secret()
    {
        FakeMonitor monitor = _node.Start();
        byte[] secret;
        using (FakeGuest cut = monitor.Dial())
        {
            cut.Hello();
            secret = cut.Expect(GuestFrameType.Spec)[..GuestProtocol.SecretBytes];
        }
        using FakeGuest again = monitor.Dial();
        again.Return(secret);
        using FakeGuest intruder = monitor.Dial();
        intruder.Hello();
        Assert.Equal([], intruder.ReadToEnd());
        AssertHeard(again);
    }

    [Fact]
    public void A_later_node_knows_the_secret_and_that_it_was_given()
    {
        FakeMonitor monitor = _node.Start();
        byte[] secret;
        using (FakeGuest zguest = monitor.Dial())
            secret = zguest.TakeSpec(out _);
        _node.Machines.Dispose();
        _node.Connection.Dispose();
        using InitConnection later = _node.Init.Connect();
        _node.Machines = _node.Make(later);
        _node.Machines.Events = _node.Events;

        using FakeGuest intruder = monitor.Dial();
        intruder.Hello();
        Assert.Equal([], intruder.ReadToEnd());
        using FakeGuest again = monitor.Dial();
        again.Return(secret, running: true);
        Assert.Equal("started shop/web", _node.Events.Next());
        AssertHeard(again);
    }

    [Fact]
    public void A_log_offset_that_no_ring_can_have_dropped_up_to_ends_the_connection()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = monitor.Dial();
        byte[] secret = zguest.TakeSpec(out _);
        zguest.Log(1L << 60, 1, "x");
        Assert.True(zguest.IsClosedByNode());
        using FakeGuest again = monitor.Dial();
        again.Return(secret);
        Assert.Equal(0, again.LogsFrom);
        // A gap that a full ring leaves is no violation.
        again.Log(GuestProtocol.LogRingBytes, 1, "x");
        Assert.Equal($"output {GuestProtocol.LogRingBytes} 1 x", _node.Events.Next());
    }

    [Fact]
    public void The_secret_is_in_no_member_of_the_specification()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = monitor.Dial();
        byte[] secret = zguest.TakeSpec(out GuestSpec spec);
        string json = JsonSerializer.Serialize(spec, GuestJson.Default.GuestSpec),
            config = JsonSerializer.Serialize(monitor.Config, MonitorJson.Default.VmConfig);
        foreach (string text in (string[])[Convert.ToBase64String(secret), Convert.ToHexString(secret)])
        {
            Assert.DoesNotContain(text, json, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(text, config, StringComparison.OrdinalIgnoreCase);
        }
        Assert.NotEqual(new byte[GuestProtocol.SecretBytes], secret);
    }

    private void AssertHeard(FakeGuest zguest)
    {
        zguest.Log(0, 1, "mine");
        Assert.Equal("output 0 1 mine", _node.Events.Next());
    }
}
