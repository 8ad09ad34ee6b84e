using System.Net;
using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Tests.Bus;

/// <summary>Each rule of docs/bus.md, by the attack it is there for.</summary>
public sealed class GateTests
{
    private readonly GateBench _bench = new();

    [Fact]
    public void A_sealed_signed_request_of_a_tenant_is_admitted_with_its_body()
    {
        Decision decision = _bench.Admit(_bench.Request(_bench.Alice), _bench.Alice);
        Assert.True(decision.Admitted);
        Assert.True(decision.SealReply);
        Assert.Equal("shop", Assert.IsType<DeploymentName>(decision.Body).Name);
        Assert.Equal(Roles.Tenant, decision.Roles);
        Assert.Equal(1, _bench.Gate.Counters.Admitted);
    }

    [Fact]
    public void An_oversize_envelope_is_refused_before_it_is_read()
    {
        byte[] big = new byte[Gate.MaxBytes + 1];
        Assert.Equal(413, _bench.Gate.Admit(big).BareStatus);
        Assert.Equal(1, _bench.Gate.Counters.TooLarge);
    }

    [Fact]
    public void A_strangers_large_envelope_is_refused_though_signed_well()
    {
        Message message = _bench.InfoRequest(_bench.Stranger) with { Body = JsonDocument.Parse($$"""{"x":"{{new string('x', 4096)}}"}""").RootElement };
        Assert.Equal(413, _bench.Gate.Admit(message.Sign(_bench.Stranger)).BareStatus);
    }

    [Fact]
    public void A_tampered_payload_is_refused_without_an_answer()
    {
        string envelope = Encoding.UTF8.GetString(_bench.Seal(_bench.Request(_bench.Alice), _bench.Alice));
        using JsonDocument json = JsonDocument.Parse(envelope);
        string payload = json.RootElement.GetProperty("payload").GetString()!;
        byte[] bytes = Convert.FromBase64String(payload);
        string text = Encoding.UTF8.GetString(bytes).Replace(Commands.DeploymentGet.Name, Commands.DeploymentList.Name, StringComparison.Ordinal);
        string tampered = envelope.Replace(payload, Convert.ToBase64String(Encoding.UTF8.GetBytes(text)), StringComparison.Ordinal);
        Assert.NotEqual(envelope, tampered);
        Assert.Equal(400, _bench.Gate.Admit(Encoding.UTF8.GetBytes(tampered)).BareStatus);
    }

    [Fact]
    public void An_unsigned_envelope_is_refused()
    {
        using JsonDocument json = JsonDocument.Parse(_bench.Seal(_bench.Request(_bench.Alice), _bench.Alice));
        string payload = json.RootElement.GetProperty("payload").GetString()!;
        byte[] unsigned = Encoding.UTF8.GetBytes($$"""{"payloadType":"{{Message.PayloadType}}","payload":"{{payload}}","signatures":[]}""");
        Assert.Equal(400, _bench.Gate.Admit(unsigned).BareStatus);
        byte[] empty = Encoding.UTF8.GetBytes(
            $$"""{"payloadType":"{{Message.PayloadType}}","payload":"{{payload}}","signatures":[{"keyid":"{{_bench.Alice.Id}}","sig":""}]}""");
        Assert.Equal(400, _bench.Gate.Admit(empty).BareStatus);
    }

    [Fact]
    public void A_message_in_another_name_is_refused()
    {
        // Mallory writes "from: Alice" and signs with his own key, or puts Alice's key id beside his own signature.
        Message forged = _bench.Request(_bench.Alice) with { Body = null, Sealed = null };
        Assert.Equal(400, _bench.Gate.Admit(forged.Sign(_bench.Mallory)).BareStatus);
        string own = Encoding.UTF8.GetString(forged.Sign(_bench.Mallory)).Replace(_bench.Mallory.Id.Text, _bench.Alice.Id.Text, StringComparison.Ordinal);
        Assert.Equal(400, _bench.Gate.Admit(Encoding.UTF8.GetBytes(own)).BareStatus);
    }

    [Fact]
    public void A_document_of_another_type_passes_for_no_message()
    {
        Message message = _bench.Request(_bench.Alice);
        Assert.True(Envelope.TryRead(message.SealAndSign(_bench.Alice, _bench.SealingKey())!, out Envelope? envelope));
        byte[] other = Envelope.Sign("application/vnd.zeroos.farm.v1+json", envelope.Payload, _bench.Alice);
        Assert.Equal(400, _bench.Gate.Admit(other).BareStatus);
    }

    [Fact]
    public void Replies_and_events_are_never_answered()
    {
        foreach (MessageKind kind in new[] { MessageKind.Reply, MessageKind.Event })
            Assert.Equal(400, _bench.Admit(_bench.Request(_bench.Alice) with { Kind = kind }, _bench.Alice).BareStatus);
    }

    [Fact]
    public void Another_recipient_is_told_so_and_the_star_is_for_node_info_only()
    {
        string other = IdentityKey.Generate().Id.Text;
        Refused(ErrorCodes.WrongRecipient, _bench.Admit(_bench.Request(_bench.Alice) with { To = other }, _bench.Alice));
        Refused(ErrorCodes.WrongRecipient, _bench.Admit(_bench.Request(_bench.Alice) with { To = Message.Anyone }, _bench.Alice));
        Assert.True(_bench.Gate.Admit((_bench.InfoRequest(_bench.Stranger) with { To = Message.Anyone }).Sign(_bench.Stranger)).Admitted);
    }

    [Fact]
    public void An_expired_message_is_refused_and_so_are_one_from_the_future_and_one_that_lives_too_long()
    {
        Message message = _bench.Request(_bench.Alice);
        byte[] envelope = _bench.Seal(message, _bench.Alice);
        _bench.Clock.Advance(TimeSpan.FromMinutes(3) + TimeSpan.FromSeconds(1));
        Refused(ErrorCodes.Expired, _bench.Gate.Admit(envelope));

        Message now = _bench.Request(_bench.Alice);
        Refused(ErrorCodes.Expired, _bench.Admit(now with { Issued = now.Issued.AddSeconds(61), Expires = now.Expires.AddSeconds(61) }, _bench.Alice));
        Refused(ErrorCodes.Expired, _bench.Admit(now with { Expires = now.Issued.AddMinutes(5).AddTicks(1) }, _bench.Alice));
        Refused(ErrorCodes.Expired, _bench.Admit(now with { Expires = now.Issued }, _bench.Alice));
        Refused(ErrorCodes.Expired, _bench.Admit(now with { Issued = DateTimeOffset.MinValue, Expires = DateTimeOffset.MaxValue }, _bench.Alice));
        Assert.True(_bench.Admit(now with { Issued = now.Issued.AddSeconds(59), Expires = now.Expires.AddSeconds(59) }, _bench.Alice).Admitted);
    }

    [Fact]
    public void A_message_recorded_before_a_reboot_is_stale_though_its_window_is_open()
    {
        byte[] recorded = _bench.Seal(_bench.Request(_bench.Alice), _bench.Alice);
        EpochClock rebooted = new(_bench.Clock);
        Gate gate = new(_bench.Node.Id, _bench, _bench.Routes, rebooted, new MemoryReplayStore(), Gate.NewStrangerLimit(_bench.Clock), _bench.Sealing);
        Refused(ErrorCodes.Stale, gate.Admit(recorded));
    }

    [Fact]
    public void A_message_recorded_before_a_step_of_the_clock_is_stale()
    {
        byte[] recorded = _bench.Seal(_bench.Request(_bench.Alice), _bench.Alice);
        Assert.True(_bench.Gate.Admit(recorded).Admitted);
        _bench.Clock.Step(TimeSpan.FromDays(-1));
        _bench.Epoch.ClockStepped();
        Refused(ErrorCodes.Stale, _bench.Gate.Admit(recorded));
    }

    [Fact]
    public void The_gates_time_does_not_follow_the_wall_clock_within_an_epoch()
    {
        DateTimeOffset before = _bench.Epoch.Read().Now;
        _bench.Clock.Step(TimeSpan.FromDays(-400));
        Assert.Equal(before, _bench.Epoch.Read().Now);
        _bench.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(before.AddSeconds(5), _bench.Epoch.Read().Now);
    }

    [Fact]
    public void A_replayed_message_is_refused_as_long_as_it_could_count()
    {
        byte[] envelope = _bench.Seal(_bench.Request(_bench.Alice), _bench.Alice);
        Assert.True(_bench.Gate.Admit(envelope).Admitted);
        for (int i = 0; i < 3; i++)
        {
            Refused(ErrorCodes.Replayed, _bench.Gate.Admit(envelope));
            _bench.Clock.Advance(TimeSpan.FromMinutes(1));      // the last one is at expires plus skew, the last moment it would pass
        }
        Refused(ErrorCodes.Replayed, _bench.Gate.Admit(envelope));
        _bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Refused(ErrorCodes.Expired, _bench.Gate.Admit(envelope));
    }

    [Fact]
    public void One_key_cannot_fill_the_replay_store_for_others()
    {
        for (int i = 0; i < IReplayStore.MaxPerKey; i++)
            Assert.Equal(ReplayAnswer.Fresh, _bench.Seen.Remember(_bench.Mallory.Id, Guid.CreateVersion7(), _bench.Clock.GetUtcNow().AddMinutes(3),
                _bench.Clock.GetUtcNow()));
        Refused(ErrorCodes.Busy, _bench.Admit(_bench.Request(_bench.Mallory), _bench.Mallory));
        Assert.True(_bench.Admit(_bench.Request(_bench.Alice), _bench.Alice).Admitted);
        _bench.Clock.Advance(TimeSpan.FromMinutes(4));
        Assert.True(_bench.Admit(_bench.Request(_bench.Mallory), _bench.Mallory).Admitted);
    }

    [Fact]
    public void Commands_are_for_whom_the_table_says()
    {
        Refused(ErrorCodes.Denied, _bench.Admit(_bench.Request(_bench.Alice, Commands.GrantList.Name, "{}"), _bench.Alice));
        Refused(ErrorCodes.Denied, _bench.Admit(_bench.Request(_bench.Owner), _bench.Owner));
        Refused(ErrorCodes.Denied, _bench.Admit(_bench.Request(_bench.Stranger), _bench.Stranger));
        Refused(ErrorCodes.UnknownCommand, _bench.Admit(_bench.Request(_bench.Owner, "zos.shell.open"), _bench.Owner));
        Assert.True(_bench.Admit(_bench.Request(_bench.Owner, Commands.GrantList.Name, "{}"), _bench.Owner).Admitted);
    }

    [Fact]
    public void The_owner_of_another_node_is_a_stranger_here()
    {
        GateBench theirs = new();
        Assert.True(theirs.Admit(theirs.Request(theirs.Owner, Commands.GrantList.Name, "{}"), theirs.Owner).Admitted);
        Refused(ErrorCodes.Denied, _bench.Admit(_bench.Request(theirs.Owner, Commands.GrantList.Name, "{}"), theirs.Owner));
        // And what they signed for their own node is not for this one.
        Refused(ErrorCodes.WrongRecipient, _bench.Gate.Admit(theirs.Seal(theirs.Request(theirs.Owner, Commands.GrantList.Name, "{}"), theirs.Owner)));
    }

    [Fact]
    public void Another_tenants_ciphertext_signed_again_is_refused()
    {
        Message alices = _bench.Request(_bench.Alice);
        byte[] envelope = _bench.Seal(alices, _bench.Alice);
        Assert.True(Envelope.TryRead(envelope, out Envelope? read) && Message.TryRead(read, out _));
        string cipher = JsonDocument.Parse(read.Payload.ToArray()).RootElement.GetProperty("sealed").GetString()!;

        // Mallory wraps it in his own message, with everything else as Alice had it and his own reply key.
        Message mallorys = alices with { From = _bench.Mallory.Id, ReplyKey = Convert.ToBase64String(SealingKeyPair.Generate().PublicKey), Body = null };
        byte[] unsealed = mallorys.Sign(_bench.Mallory);
        Assert.True(Envelope.TryRead(unsealed, out Envelope? his));
        string payload = Encoding.UTF8.GetString(his.Payload);
        byte[] stolen = Encoding.UTF8.GetBytes(payload[..^1] + $",\"sealed\":\"{cipher}\"}}");
        Refused(ErrorCodes.Malformed, _bench.Gate.Admit(Envelope.Sign(Message.PayloadType, stolen, _bench.Mallory)));
        Assert.Empty(_bench.Ran);
    }

    [Theory]
    [InlineData("id")]
    [InlineData("command")]
    [InlineData("epoch")]
    [InlineData("replyKey")]
    [InlineData("seq")]
    [InlineData("end")]
    [InlineData("inReplyTo")]
    public void Whatever_the_seal_repeats_must_equal_what_is_signed(string member)
    {
        Message sealedOne = _bench.Request(_bench.Alice);
        Message signed = member switch
        {
            "id" => sealedOne with { Id = Guid.CreateVersion7() },
            "command" => sealedOne with { Command = Commands.EventsWatch.Name },
            "epoch" => sealedOne with { Epoch = Convert.ToBase64String(new byte[16]) },
            "replyKey" => sealedOne with { ReplyKey = Convert.ToBase64String(SealingKeyPair.Generate().PublicKey) },
            "seq" => sealedOne with { Seq = 1 },
            "end" => sealedOne with { End = true },
            _ => sealedOne with { InReplyTo = Guid.CreateVersion7() },
        };
        Assert.True(Envelope.TryRead(_bench.Seal(sealedOne, _bench.Alice), out Envelope? envelope));
        Assert.True(Message.TryRead(envelope, out Message? read));
        byte[] plain = _bench.Sealing.TryOpen(read.Sealed!)!;
        Assert.True(read.TryUnseal(plain, out _));
        Assert.False(signed.TryUnseal(plain, out _));
    }

    [Fact]
    public void A_body_in_clear_is_refused_but_for_node_info()
    {
        Refused(ErrorCodes.Malformed, _bench.Gate.Admit(_bench.Request(_bench.Alice).Sign(_bench.Alice)));
        Refused(ErrorCodes.Malformed, _bench.Admit(_bench.InfoRequest(_bench.Alice), _bench.Alice));
    }

    [Fact]
    public void A_seal_to_another_node_or_a_reply_key_that_keeps_no_secret_is_refused()
    {
        using SealingKeyPair other = SealingKeyPair.Generate();
        Refused(ErrorCodes.Malformed, _bench.Gate.Admit(_bench.Request(_bench.Alice).SealAndSign(_bench.Alice, other.PublicKey)!));
        Refused(ErrorCodes.Malformed, _bench.Admit(_bench.Request(_bench.Alice) with { ReplyKey = Convert.ToBase64String(new byte[32]) }, _bench.Alice));
        Refused(ErrorCodes.Malformed, _bench.Admit(_bench.Request(_bench.Alice) with { ReplyKey = null }, _bench.Alice));
    }

    [Theory]
    [InlineData("""{"nmae":"shop"}""", "nmae")]
    [InlineData("""{}""", "name")]
    [InlineData("""{"name":"shop","extra":1}""", "extra")]
    [InlineData("""{"name":7}""", "")]
    [InlineData("""[]""", "")]
    public void A_wrong_body_is_invalid_and_said_under_the_seal(string body, string says)
    {
        Decision decision = _bench.Admit(_bench.Request(_bench.Alice, body: body), _bench.Alice);
        Assert.Equal(ErrorCodes.Invalid, decision.Error!.Code);
        Assert.True(decision.SealReply);
        Assert.Contains(says, decision.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_a_door_lets_through_strangers_have_a_bound_and_tenants_do_not_share_it()
    {
        byte[] info = _bench.InfoRequest(_bench.Stranger).Sign(_bench.Stranger);
        int admitted = Enumerable.Range(0, 1000).Count(_ => _bench.Gate.Admit(info).Admitted);
        Assert.Equal(125, admitted);
        Assert.Equal(429, _bench.Gate.Admit(info).BareStatus);
        Assert.False(_bench.Gate.Admit(info).IsForged);
        Assert.True(_bench.Gate.Admit(_bench.InfoRequest(_bench.Alice).Sign(_bench.Alice)).Proven);
        _bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_bench.Gate.Admit(info).Admitted);
    }

    [Fact]
    public void A_recorded_node_info_proves_its_sender_once_and_is_a_strangers_afterwards()
    {
        byte[] info = _bench.InfoRequest(_bench.Owner).Sign(_bench.Owner);
        Assert.True(_bench.Gate.Admit(info).Proven);
        Decision again = _bench.Gate.Admit(info);
        Assert.True(again.Admitted);
        Assert.False(again.Proven);
        Assert.Equal(429, Enumerable.Range(0, 200).Select(_ => _bench.Gate.Admit(info).BareStatus).Max());

        // Years later it is outside its window, and the store has forgotten it.
        _bench.Clock.Advance(TimeSpan.FromDays(700));
        Assert.True(_bench.Gate.Admit(info).Admitted);
        Assert.False(_bench.Gate.Admit(info).Proven);
    }

    [Fact]
    public void Only_form_and_signature_prove_a_door_broken()
    {
        byte[] good = _bench.Seal(_bench.Request(_bench.Alice), _bench.Alice);
        Assert.True(_bench.Gate.Admit(FalseSignature.In(good)).IsForged);
        Assert.True(_bench.Gate.Admit("{}"u8).IsForged);
        Assert.True(_bench.Gate.Admit(new byte[Gate.MaxBytes + 1]).IsForged);
        // Signed well, but no message: its sender's fault.
        Decision nonsense = _bench.Gate.Admit(Envelope.Sign(Message.PayloadType, "{}"u8, _bench.Alice));
        Assert.Equal(400, nonsense.BareStatus);
        Assert.False(nonsense.IsForged);
    }

    [Fact]
    public void A_message_with_two_signatures_is_refused()
    {
        Message message = _bench.Request(_bench.Alice);
        Assert.True(Envelope.TryRead(_bench.Seal(message, _bench.Alice), out Envelope? envelope));
        Assert.Equal(400, _bench.Gate.Admit(envelope.AddSignature(_bench.Mallory)).BareStatus);
    }

    [Fact]
    public void An_ipv6_origin_is_its_64_and_a_mapped_address_is_its_ipv4()
    {
        Assert.Equal(Origin.Of(IPAddress.Parse("2001:db8::1")), Origin.Of(IPAddress.Parse("2001:db8::ffff:1")));
        Assert.NotEqual(Origin.Of(IPAddress.Parse("2001:db8::1")), Origin.Of(IPAddress.Parse("2001:db8:0:1::1")));
        Assert.Equal(Origin.Of(IPAddress.Parse("192.0.2.1")), Origin.Of(IPAddress.Parse("::ffff:192.0.2.1")));
        Assert.NotEqual(Origin.Of(IPAddress.Parse("192.0.2.1")), Origin.Of(IPAddress.Parse("192.0.2.2")));
    }

    [Fact]
    public void Duplicate_names_in_the_signed_message_or_under_the_seal_are_refused()
    {
        Assert.True(Envelope.TryRead(_bench.Seal(_bench.Request(_bench.Alice), _bench.Alice), out Envelope? envelope));
        string payload = Encoding.UTF8.GetString(envelope.Payload);
        byte[] twice = Encoding.UTF8.GetBytes(payload[..^1] + ",\"comm\\u0061nd\":\"zos.deployment.delete\"}");
        Assert.Equal(400, _bench.Gate.Admit(Envelope.Sign(Message.PayloadType, twice, _bench.Alice)).BareStatus);

        // GetRawText keeps the duplicate in the body, as a hand-written client would send it.
        Message message = _bench.Request(_bench.Alice, body: """{"name":"a","name":"b"}""");
        Refused(ErrorCodes.Malformed, _bench.Admit(message, _bench.Alice));
    }

    [Fact]
    public void An_id_that_is_no_uuid_v7_and_trailing_bytes_are_no_message()
    {
        Assert.Equal(400, _bench.Admit(_bench.Request(_bench.Alice) with { Id = Guid.NewGuid() }, _bench.Alice).BareStatus);
        byte[] good = _bench.Seal(_bench.Request(_bench.Alice), _bench.Alice);
        Assert.Equal(400, _bench.Gate.Admit([.. good, (byte)'{']).BareStatus);
    }

    private static void Refused(string code, Decision decision)
    {
        Assert.Equal(0, decision.BareStatus);
        Assert.Equal(code, decision.Error?.Code);
        Assert.False(decision.SealReply);
        Assert.Null(decision.Error!.Path);
    }
}
