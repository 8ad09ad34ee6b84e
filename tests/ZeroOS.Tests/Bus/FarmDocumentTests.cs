using System.Text;

using Xunit;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Tests.Bus;

public sealed class FarmDocumentTests
{
    private readonly IdentityKey _owner = IdentityKey.Generate();
    private readonly IdentityKey _partner = IdentityKey.Generate();
    private readonly byte[] _seed = Crypto.Random(32);

    [Fact]
    public void Settings_signed_by_every_owner_are_believed()
    {
        byte[] document = FarmDocument.Sign(Settings(_owner, _partner), _owner, _partner);
        Assert.True(FarmDocument.TryVerify(document, out FarmSettings? settings, out string? fault), fault);
        Assert.Equal("http://10.0.2.2:5000", settings.Registries["demo"].Url);
    }

    [Fact]
    public void Settings_that_an_owner_has_not_signed_are_not_believed_and_others_may_sign_too()
    {
        byte[] half = FarmDocument.Sign(Settings(_owner, _partner), _owner);
        Refused(half, "has not signed");
        Assert.True(FarmDocument.TryVerify(FarmDocument.AddSignature(half, _partner), out _, out _));
        Assert.Throws<InvalidDataException>(() => FarmDocument.AddSignature(half, IdentityKey.Generate()));
        Assert.True(FarmDocument.TryVerifyWithSigners(FarmDocument.AddSignature(FarmDocument.Sign(Settings(_owner), _owner), _partner, former: true),
            out VerifiedFarm? both, out _));
        Assert.Equal([_owner.Id.Text, _partner.Id.Text], both.Signers);
        using IdentityKey recovery = IdentityKey.FromSeed(_seed);
        Assert.True(FarmDocument.TryVerify(FarmDocument.AddSignature(FarmDocument.Sign(Settings(_owner), _owner), recovery), out _, out _));
        Assert.DoesNotContain("recoveryGeneration", Encoding.UTF8.GetString(both.Payload), StringComparison.Ordinal);   // an earlier ZeroOS would refuse it
        Refused(FarmDocument.Sign(Settings(_owner), _partner), "has not signed");
    }

    [Fact]
    public void A_message_or_another_document_is_no_farm_settings()
    {
        Assert.True(Envelope.TryRead(FarmDocument.Sign(Settings(_owner), _owner), out Envelope? envelope));
        Refused(Envelope.Sign("application/vnd.zeroos.message.v1+json", envelope.Payload, _owner), "another kind");
        Refused(Envelope.Sign(FarmSettings.PayloadType,
            Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(envelope.Payload)[..^1] + ",\"owners\":[]}"), _owner), "twice");
    }

    [Fact]
    public void Settings_that_make_no_sense_are_refused_with_the_field()
    {
        FarmSettings good = Settings(_owner);
        Refused(FarmDocument.Sign(good with { Threshold = 2 }, _owner), "threshold");
        Refused(FarmDocument.Sign(good with { Threshold = 0 }, _owner), "threshold");
        Refused(FarmDocument.Sign(good with { Version = 0 }, _owner), "version");
        Refused(FarmDocument.Sign(good with { RecoveryGeneration = -1 }, _owner), "recoveryGeneration");
        Refused(FarmDocument.Sign(good with { Owners = [] }, _owner), "owners");
        Refused(FarmDocument.Sign(good with { RecoveryEncryptionKey = "AA==" }, _owner), "recoveryEncryptionKey");
        Refused(FarmDocument.Sign(good with { Registries = Registry("http://10.0.2.2:5000", false) }, _owner), "plain HTTP");
        Refused(FarmDocument.Sign(good with { Registries = Registry("https://user:pass@hub.example", false) }, _owner), "URL");
        Refused(FarmDocument.Sign(good with { Registries = Registry("file:///etc", true) }, _owner), "URL");
    }

    [Fact]
    public void Mutated_documents_never_throw_and_never_verify_changed()
    {
        byte[] good = FarmDocument.Sign(Settings(_owner), _owner);
        Random random = new(3);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] mutated = [.. good];
            for (int n = random.Next(1, 4); n > 0; n--)
                mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            if (FarmDocument.TryVerify(mutated, out FarmSettings? settings, out _))
                Assert.Equal([_owner.Id.Text], settings.Owners);
        }
    }

    private FarmSettings Settings(params IdentityKey[] owners) => TestFarm.Of(owners[0], _seed) with
    {
        Owners = [.. owners.Select(o => o.Id.Text)],
        Registries = Registry("http://10.0.2.2:5000", true),
    };

    private static Dictionary<string, FarmRegistry> Registry(string url, bool plain) => new() { ["demo"] = new FarmRegistry { Url = url, PlainHttp = plain } };

    private static void Refused(byte[] document, string why)
    {
        Assert.False(FarmDocument.TryVerify(document, out _, out string? fault));
        Assert.Contains(why, fault, StringComparison.Ordinal);
    }
}
