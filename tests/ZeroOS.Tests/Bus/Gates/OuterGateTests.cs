using System.Diagnostics;
using System.Net;
using System.Text;

using Xunit;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;

namespace ZeroOS.Tests.Bus.Gates;

/// <summary>The order of costs: what a refusal costs, and who pays for it (review, finding 11).</summary>
public sealed class OuterGateTests
{
    private const int Rounds = 10, TimesARound = 20;

    private static readonly Origin s_here = Origin.Of(IPAddress.Parse("192.0.2.1"));

    private readonly GateBench _bench = new();

    [Fact]
    public void A_flood_of_strangers_is_held_per_origin_per_network_and_in_total_and_leaves_tenants_alone()
    {
        byte[] info = _bench.InfoRequest(_bench.Stranger).Sign(_bench.Stranger);
        Assert.Equal(StrangerLimits.OriginBurst, Passed(info, Enumerable.Repeat(s_here, 1000)));
        // The other addresses of the same /24 have what is left of its eighth.
        Assert.Equal((StrangerLimits.TotalBurst / 8) - StrangerLimits.OriginBurst,
            Passed(info, Enumerable.Range(0, 1000).Select(i => At($"192.0.2.{2 + (i % 250)}"))));
        Assert.Equal(StrangerLimits.TotalBurst - (StrangerLimits.TotalBurst / 8),
            Passed(info, Enumerable.Range(0, 5000).Select(i => At($"10.{i / 250}.{i % 250}.1"))));
        Assert.Equal(429, _bench.Outer.Check(info, At("198.51.100.1"), null).Status);
        Assert.True(_bench.Outer.Check(_bench.InfoRequest(_bench.Alice).Sign(_bench.Alice), s_here, null).Passed);
        _bench.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.True(_bench.Outer.Check(info, s_here, null).Passed);
    }

    [Fact]
    public void Sixty_five_thousand_networks_of_one_ipv6_site_are_one_flooder()
    {
        byte[] info = _bench.InfoRequest(_bench.Stranger).Sign(_bench.Stranger);
        Assert.Equal(StrangerLimits.TotalBurst / 8, Passed(info, Enumerable.Range(0, 65536).Select(i => At($"2001:db8:0:{i:x}::1"))));
        Assert.True(_bench.Outer.Check(info, At("2001:db8:1::1"), null).Passed);
    }

    /// <summary>In time beside what reading the same bytes costs on the same computer: a refusal is many times cheaper.</summary>
    [Fact]
    public void Before_a_token_is_taken_a_refusal_costs_no_more_than_a_copy_of_the_bytes()
    {
        IdentityKey[] sixteen = [.. Enumerable.Range(0, 16).Select(_ => IdentityKey.Generate())];
        byte[] many = Envelope.Sign(Message.PayloadType, "{}"u8, sixteen);
        byte[] large = FalseSignature.In(Envelope.Sign(Message.PayloadType, new byte[700_000], _bench.Owner));
        while (_bench.Outer.Check(many, s_here, null).Status != 429)
        {
            // until the stranger's tokens are gone
        }
        while (_bench.Outer.Check(large, s_here, null).Status != 429)
        {
            // and the origin's for claims of known keys
        }
        foreach (byte[] refused in (byte[][])[many, large])
        {
            (long bytes, double microseconds) = CostOf(() => _bench.Outer.Check(refused, s_here, null));
            (_, double read) = CostOf(() => Envelope.TryRead(refused, out _));
            Assert.True(bytes < 512 && microseconds * 4 < read, $"{refused.Length} bytes cost {bytes} bytes and {microseconds:F1} us beside {read:F1} us");
        }
    }

    [Fact]
    public void A_message_with_sixteen_signatures_costs_no_arithmetic_even_with_tokens()
    {
        byte[] many = Envelope.Sign(Message.PayloadType, "{}"u8, [.. Enumerable.Range(0, 16).Select(_ => IdentityKey.Generate())]);
        (_, double one) = CostOf(() => Envelope.TryRead(many, out _, maxSignatures: 1));
        (_, double all) = CostOf(() => Envelope.TryRead(many, out _));
        Assert.True(one * 4 < all, $"{one:F1} us beside {all:F1} us");
    }

    [Fact]
    public void Whoever_names_an_owner_and_cannot_sign_pays_and_only_his_network_does()
    {
        byte[] forged = FalseSignature.In(_bench.InfoRequest(_bench.Owner).Sign(_bench.Owner));
        List<int> answers = [.. Enumerable.Range(0, 200).Select(_ => _bench.Outer.Check(forged, s_here, null).Status)];
        Assert.InRange(answers.Count(a => a == 400), FailureLimits.OriginBurst, FailureLimits.TotalBurst / 64);
        Assert.Equal(429, answers[^1]);

        byte[] honest = _bench.InfoRequest(_bench.Owner).Sign(_bench.Owner);
        Assert.True(_bench.Outer.Check(honest, At("203.0.113.9"), null).Passed);
        Assert.Equal(429, _bench.Outer.Check(honest, s_here, null).Status);
        // The owner at the same address who was there before goes on.
        Assert.True(_bench.Outer.Check(honest, s_here, _bench.Owner.Id.Text).Passed);
        Assert.Equal(429, _bench.Outer.Check(honest, s_here, _bench.Alice.Id.Text).Status);
    }

    [Fact]
    public void Replaying_a_known_keys_messages_costs_the_origin_that_does_it()
    {
        byte[] recorded = _bench.InfoRequest(_bench.Owner).Sign(_bench.Owner);
        int passed = 0;
        while (_bench.Outer.Check(recorded, s_here, null).Passed && passed < 1000)
        {
            passed++;
            _bench.Outer.NotNew(s_here);
        }
        Assert.InRange(passed, 1, FailureLimits.TotalBurst / 64);
        Assert.True(_bench.Outer.Check(recorded, At("203.0.113.9"), null).Passed);
    }

    [Theory]
    [InlineData("""{"payload":"","payloadType":"t","signatures":[{"sig":"","keyid":"abc"}]}""", "abc")]
    [InlineData("""{"signatures":[{"keyid" : "abc"}]}""", "abc")]
    [InlineData("""{"signatures":[{"keyid":"abc"},{"keyid":"def"}]}""", "def")]
    [InlineData("""{"signatures":[{"keyid":""}]}""", null)]
    [InlineData("""{"signatures":[{"keyid":7}]}""", null)]
    [InlineData("""{"signatures":[{"keyid":"0123456789012345678901234567890123456789012345"}]}""", null)]
    [InlineData("""{"signatures":[{"keyid":"a b"}]}""", null)]
    [InlineData("""{"signatures":[{"keyid""", null)]
    [InlineData("\"keyid\"", null)]
    [InlineData("\"keyid\":", null)]
    [InlineData("\"keyid\":\"", null)]
    [InlineData("", null)]
    public void The_senders_text_is_found_without_parsing(string envelope, string? expected)
    {
        Assert.Equal(expected is not null, EnvelopePeek.TrySender(Encoding.UTF8.GetBytes(envelope), out string? found));
        Assert.Equal(expected, found);
    }

    [Fact]
    public void A_text_that_is_not_the_signers_passes_for_nobody()
    {
        // The last "keyid" of the bytes is an owner's, the signature is the stranger's: the member that the JSON reader takes decides.
        string own = Encoding.UTF8.GetString(_bench.InfoRequest(_bench.Stranger).Sign(_bench.Stranger));
        string twice = own[..^1] + $",\"x\":{{\"keyid\":\"{_bench.Owner.Id}\"}}}}";
        Assert.Equal(400, _bench.Outer.Check(Encoding.UTF8.GetBytes(twice), s_here, null).Status);
        Assert.Equal(400, _bench.Gate.Admit(Encoding.UTF8.GetBytes(twice)).BareStatus);
        string escaped = own.Replace("\"keyid\"", "\"key\\u0069d\"", StringComparison.Ordinal);
        Assert.Equal(400, _bench.Outer.Check(Encoding.UTF8.GetBytes(escaped), s_here, null).Status);
    }

    private int Passed(byte[] envelope, IEnumerable<Origin> origins) => origins.Count(o => _bench.Outer.Check(envelope, o, null).Passed);

    private static Origin At(string address) => Origin.Of(IPAddress.Parse(address));

    private static (long Bytes, double Microseconds) CostOf(Action what)
    {
        what();
        double best = double.MaxValue;
        long bytes = 0;
        for (int round = 0; round < Rounds; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread(), began = Stopwatch.GetTimestamp();
            for (int i = 0; i < TimesARound; i++)
                what();
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalMicroseconds / TimesARound);
            bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / TimesARound;
        }
        return (bytes, best);
    }
}
