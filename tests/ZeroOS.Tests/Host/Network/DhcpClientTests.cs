using System.Net;

using Xunit;

using ZeroOS.Formats.Dhcp;
using ZeroOS.Host.Network.Dhcp;
using ZeroOS.Linux.Netlink;

namespace ZeroOS.Tests.Host.Network;

public sealed class DhcpClientTests
{
    private static readonly MacAddress s_mac = MacAddress.Parse("52:54:00:12:34:56");
    private readonly DhcpServer _server = new() { LeaseSeconds = 3600 };
    private TimeSpan _now = TimeSpan.FromSeconds(100);

    [Fact]
    public void A_card_gets_its_lease_in_four_messages()
    {
        DhcpClient client = Started();
        Run(client, TimeSpan.Zero);
        Assert.Equal((DhcpState.Bound, "10.0.2.15", 24, "10.0.2.2", "10.0.2.3"),
            (client.State, $"{client.Lease!.Address}", client.Lease.PrefixLength, $"{client.Lease.Gateway}", $"{Assert.Single(client.Lease.Resolvers)}"));
        Assert.Equal([DhcpType.Discover, DhcpType.Request], _server.Seen.Select(m => m.Type));
        Assert.All(_server.Seen, m => Assert.Equal("01525400123456", Convert.ToHexString(m.Option(DhcpOption.ClientId))));
        Assert.Equal("10.0.2.2", $"{_server.Seen[1].Address(DhcpOption.ServerId)}");
    }

    [Fact]
    public void A_silent_network_is_asked_for_ever_with_pauses_that_grow_to_a_minute()
    {
        DhcpClient client = Started();
        List<TimeSpan> sent = [];
        while (sent.Count < 2000)
        {
            while (client.TryTakeOutgoing(out _))
                sent.Add(_now);
            _now = client.NextAt!.Value;
            client.Tick(_now);
        }
        Assert.InRange(sent[1] - sent[0], TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3));
        Assert.All(sent.Zip(sent.Skip(1)).Skip(10), pair => Assert.InRange(pair.Second - pair.First, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(61)));
        Run(client, TimeSpan.FromMinutes(2));
        Assert.Equal(DhcpState.Bound, client.State);
    }

    [Fact]
    public void A_lease_is_renewed_with_its_server_at_half_time_and_keeps_its_address()
    {
        DhcpClient client = Bound();
        _now += TimeSpan.FromSeconds(1799);
        client.Tick(_now);
        Assert.False(client.TryTakeOutgoing(out _));
        _now += TimeSpan.FromSeconds(1);
        client.Tick(_now);
        Assert.True(client.TryTakeOutgoing(out DhcpSend renewal));
        Assert.Equal(("10.0.2.2", "10.0.2.15", DhcpState.Renewing), ($"{renewal.Server}", $"{renewal.Source}", client.State));
        Assert.True(DhcpMessage.TryRead(renewal.Message, out DhcpMessage message));
        Assert.Equal((DhcpType.Request, "10.0.2.15", 0, 0),
            (message.Type, $"{message.ClientAddress}", message.Option(DhcpOption.ServerId).Length, message.Option(DhcpOption.RequestedAddress).Length));
        client.Receive(_server.Answer(renewal.Message), _now);
        Assert.Equal((DhcpState.Bound, _now + TimeSpan.FromSeconds(1800)), (client.State, client.NextAt));
    }

    [Fact]
    public void A_server_that_went_away_makes_everybody_asked_and_then_the_address_given_up()
    {
        DhcpClient client = Bound();
        TimeSpan bound = _now;
        bool everybodyAsked = false;
        while (client.Lease is not null)
        {
            _now = client.NextAt!.Value;
            client.Tick(_now);
            while (client.TryTakeOutgoing(out DhcpSend send))
                everybodyAsked |= client.State == DhcpState.Rebinding && send.Server is null;
        }
        Assert.True(everybodyAsked);
        Assert.Equal(TimeSpan.FromSeconds(3600), _now - bound);
        Assert.Equal((DhcpState.Selecting, true), (client.State, client.HasLostAddress));
        Run(client, TimeSpan.FromMinutes(5));
        Assert.Equal((DhcpState.Bound, false), (client.State, client.HasLostAddress));
    }

    [Fact]
    public void A_refusal_drops_the_lease_and_asks_anew_ever_more_slowly()
    {
        DhcpClient client = Bound();
        _server.Refuses = true;
        _now = client.NextAt!.Value;
        TimeSpan began = _now;
        Run(client, TimeSpan.FromHours(1));
        Assert.Null(client.Lease);
        int asked = _server.Seen.Count(m => m.Type == DhcpType.Discover);
        Assert.InRange(asked, 10, 120);
        _server.Refuses = false;
        _server.Address = IPAddress.Parse("10.0.2.99");
        Run(client, TimeSpan.FromMinutes(3));
        Assert.Equal("10.0.2.99", $"{client.Lease?.Address}");
        Assert.True(_now > began);
    }

    [Fact]
    public void A_kept_lease_is_asked_for_again_without_discovery()
    {
        DhcpLease kept = Bound().Lease!;
        _server.Seen.Clear();
        DhcpClient client = new(s_mac, new Random(2), kept);
        client.Start(_now);
        Assert.Equal((null, kept, false), (client.Lease, client.Believed, client.HasLostAddress));
        Run(client, TimeSpan.Zero);
        DhcpMessage request = Assert.Single(_server.Seen);
        Assert.Equal((DhcpType.Request, "10.0.2.15", 0, "0.0.0.0"),
            (request.Type, $"{request.Address(DhcpOption.RequestedAddress)}", request.Option(DhcpOption.ServerId).Length, $"{request.ClientAddress}"));
        Assert.Equal((DhcpState.Bound, false), (client.State, client.IsDegraded));
    }

    [Fact]
    public void A_kept_lease_is_used_when_no_server_answers_and_nobody_has_the_address_and_ends_in_time()
    {
        DhcpLease kept = Bound().Lease!;
        DhcpClient client = new(s_mac, new Random(3), kept);
        client.Start(_now);
        TimeSpan began = _now;
        bool probed = false;
        while (client.Lease is null)
        {
            probed |= Equals(client.Probed, kept.Address);
            _now = client.NextAt!.Value;
            client.Tick(_now);
        }
        Assert.True(probed);
        Assert.InRange(_now - began, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30));
        Assert.Equal((true, DhcpState.Selecting, kept), (client.IsDegraded, client.State, client.Lease));
        while (client.Lease is not null)
        {
            _now = client.NextAt!.Value;
            client.Tick(_now);
        }
        Assert.InRange(_now - began, TimeSpan.FromSeconds(3600), TimeSpan.FromSeconds(3800));
    }

    [Fact]
    public void A_kept_address_that_another_has_is_not_used()
    {
        DhcpLease kept = Bound().Lease!;
        DhcpClient client = new(s_mac, new Random(4), kept);
        client.Start(_now);
        while (client.State != DhcpState.Probing)
        {
            _now = client.NextAt!.Value;
            client.Tick(_now);
        }
        client.AddressTaken(_now);
        Assert.Equal((DhcpState.Selecting, null, null), (client.State, client.Lease, client.Probed));
        Assert.False(client.IsDegraded);
    }

    [Fact]
    public void A_cable_out_and_in_keeps_the_lease_and_confirms_it()
    {
        DhcpClient client = Bound();
        DhcpLease lease = client.Lease!;
        client.Stop();
        Assert.Equal((lease, null), (client.Lease, client.NextAt));
        client.Start(_now);
        Assert.Equal((DhcpState.Rebooting, lease), (client.State, client.Lease));
        Run(client, TimeSpan.Zero);
        Assert.Equal(DhcpState.Bound, client.State);
    }

    [Fact]
    public void Answers_to_others_and_answers_nobody_asked_for_are_ignored()
    {
        DhcpClient client = Started();
        Assert.True(client.TryTakeOutgoing(out DhcpSend discover));
        byte[] offer = _server.Answer(discover.Message)!;
        byte[] otherCard = [.. offer], otherQuestion = [.. offer], question = [.. offer];
        otherCard[33] ^= 1;
        otherQuestion[4] ^= 1;
        question[0] = 1;
        foreach (byte[] wrong in new[] { otherCard, otherQuestion, question })
            client.Receive(wrong, _now);
        Assert.Equal(DhcpState.Selecting, client.State);
        client.Receive(offer, _now);
        Assert.Equal(DhcpState.Requesting, client.State);
        // An acknowledgement from a server whose offer we did not take.
        Assert.True(client.TryTakeOutgoing(out DhcpSend request));
        byte[] forged = new DhcpServer { Self = IPAddress.Parse("10.0.2.66") }.Answer(Without(request.Message, DhcpOption.ServerId))!;
        client.Receive(forged, _now);
        Assert.Equal((DhcpState.Requesting, null), (client.State, client.Lease));
        client.Receive(_server.Answer(request.Message), _now);
        Assert.Equal(DhcpState.Bound, client.State);
    }

    private static byte[] Without(byte[] bytes, DhcpOption option)
    {
        Assert.True(DhcpMessage.TryRead(bytes, out DhcpMessage old));
        DhcpMessage message = new() { TransactionId = old.TransactionId, Hardware = old.Hardware };
        foreach (DhcpOption kept in new[] { DhcpOption.Type, DhcpOption.RequestedAddress }.Where(o => o != option))
            message.With(kept, old.Option(kept));
        return message.Write();
    }

    private DhcpClient Started()
    {
        DhcpClient client = new(s_mac, new Random(1));
        client.Start(_now);
        return client;
    }

    private DhcpClient Bound()
    {
        DhcpClient client = Started();
        Run(client, TimeSpan.Zero);
        Assert.Equal(DhcpState.Bound, client.State);
        return client;
    }

    /// <summary>Carries messages to the server and back, and lets so much time pass.</summary>
    private void Run(DhcpClient client, TimeSpan time)
    {
        TimeSpan end = _now + time;
        while (true)
        {
            client.Tick(_now);
            while (client.TryTakeOutgoing(out DhcpSend send))
            {
                if (_server.Answer(send.Message) is { } answer)
                    client.Receive(answer, _now);
            }
            if (client.NextAt is not { } next || next > end)
                break;
            _now = next;
        }
        _now = end;
    }
}
