using System.Text;

using Xunit;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;

namespace ZeroOS.Tests.Bus;

public sealed class EnvelopeTests
{
    private readonly IdentityKey _alice = IdentityKey.Generate();
    private readonly IdentityKey _bob = IdentityKey.Generate();

    [Fact]
    public void The_signed_bytes_are_those_of_the_dsse_specification()
    {
        // protocol.md of secure-systems-lab/dsse: the PAE of type "http://example.com/HelloWorld" and body "hello world".
        Assert.Equal("DSSEv1 29 http://example.com/HelloWorld 11 hello world",
            Encoding.UTF8.GetString(Envelope.PreAuthenticationEncoding("http://example.com/HelloWorld", "hello world"u8)));
        Assert.Equal("DSSEv1 3 é! 0 ", Encoding.UTF8.GetString(Envelope.PreAuthenticationEncoding("é!", [])));
    }

    [Fact]
    public void An_envelope_reads_back_and_verifies()
    {
        Assert.True(Envelope.TryRead(Envelope.Sign("t", "payload"u8, _alice, _bob), out Envelope? envelope));
        Assert.True(envelope.EverySignatureVerifies());
        Assert.Equal(_alice.Id, envelope.Sender);
        Assert.Equal([_alice.Id, _bob.Id], envelope.Signers);
        Assert.Equal("payload"u8.ToArray(), envelope.Payload.ToArray());
    }

    [Fact]
    public void A_signature_binds_the_type_too()
    {
        string text = Encoding.UTF8.GetString(Envelope.Sign("type-a", "payload"u8, _alice));
        Assert.True(Envelope.TryRead(Encoding.UTF8.GetBytes(text.Replace("type-a", "type-b", StringComparison.Ordinal)), out Envelope? envelope));
        Assert.False(envelope.EverySignatureVerifies());
    }

    [Fact]
    public void One_false_signature_among_good_ones_spoils_the_envelope()
    {
        string good = Encoding.UTF8.GetString(Envelope.Sign("t", "payload"u8, _alice, _bob));
        string other = Encoding.UTF8.GetString(Envelope.Sign("t", "another"u8, _alice, _bob));
        string bobs = Signatures(good)[1];
        Assert.True(Envelope.TryRead(Encoding.UTF8.GetBytes(good.Replace(bobs, Signatures(other)[1], StringComparison.Ordinal)), out Envelope? envelope));
        Assert.False(envelope.EverySignatureVerifies());
    }

    [Fact]
    public void No_signature_a_key_twice_or_too_many_are_no_envelope()
    {
        Assert.False(Envelope.TryRead("""{"payloadType":"t","payload":"","signatures":[]}"""u8, out _));
        Assert.False(Envelope.TryRead("""{"payloadType":"t","payload":""}"""u8, out _));
        Assert.False(Envelope.TryRead(Envelope.Sign("t", "p"u8, _alice, _alice), out _));
        IdentityKey[] many = [.. Enumerable.Range(0, Envelope.MaxSignatures + 1).Select(_ => IdentityKey.Generate())];
        Assert.False(Envelope.TryRead(Envelope.Sign("t", "p"u8, many), out _));
        Assert.True(Envelope.TryRead(Envelope.Sign("t", "p"u8, many.AsSpan(1..)), out _));
    }

    [Fact]
    public void Duplicate_members_are_no_envelope()
    {
        string text = Encoding.UTF8.GetString(Envelope.Sign("t", "p"u8, _alice));
        Assert.False(Envelope.TryRead(Encoding.UTF8.GetBytes(text.Replace("{\"payloadType\"", "{\"payload\":\"\",\"payloadType\"",
            StringComparison.Ordinal)), out _));
        Assert.False(Envelope.TryRead(Encoding.UTF8.GetBytes(text.Replace("{\"payloadType\"", "{\"paylo\\u0061d\":\"\",\"payloadType\"",
            StringComparison.Ordinal)), out _));
    }

    [Fact]
    public void Adding_a_signature_keeps_the_payload_and_the_first_signer()
    {
        byte[] one = Envelope.Sign("t", "payload"u8, _alice);
        Assert.True(Envelope.TryRead(one, out Envelope? first));
        Assert.True(Envelope.TryRead(first.AddSignature(_bob), out Envelope? both));
        Assert.True(both.EverySignatureVerifies());
        Assert.Equal([_alice.Id, _bob.Id], both.Signers);
    }

    [Fact]
    public void Mutated_envelopes_never_throw_and_never_verify_with_another_payload()
    {
        Random random = new(1);
        byte[] good = Envelope.Sign("t", "the payload that was signed"u8, _alice);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] mutated = [.. good];
            for (int n = random.Next(1, 4); n > 0; n--)
                mutated[random.Next(mutated.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : good[random.Next(good.Length)];
            if (Envelope.TryRead(mutated, out Envelope? envelope) && envelope.EverySignatureVerifies())
                Assert.Equal("the payload that was signed", Encoding.UTF8.GetString(envelope.Payload));
        }
    }

    [Fact]
    public void Mutated_messages_never_throw()
    {
        GateBench bench = new();
        Random random = new(2);
        Assert.True(Envelope.TryRead(bench.Seal(bench.Request(bench.Alice), bench.Alice), out Envelope? envelope));
        byte[] payload = envelope.Payload.ToArray();
        int read = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] mutated = [.. payload];
            for (int n = random.Next(1, 4); n > 0; n--)
                mutated[random.Next(mutated.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : payload[random.Next(payload.Length)];
            if (Message.TryRead(mutated, bench.Alice.Id, out Message? message))
            {
                read++;
                Assert.Equal(bench.Alice.Id, message.From);
                bench.Gate.Admit(Envelope.Sign(Message.PayloadType, mutated, bench.Alice));
            }
        }
        Assert.True(read > 0, "no mutation was harmless enough to be read, so nothing behind the decoder was tried");
    }

    private static string[] Signatures(string envelope) => [.. envelope.Split("\"sig\":\"")[1..].Select(s => s[..s.IndexOf('"', StringComparison.Ordinal)])];
}
