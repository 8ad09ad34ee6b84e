using System.Security.Cryptography;

using ZeroOS.Formats.Tpm;

namespace ZeroOS.Tests.Formats.Tpm;

/// <summary>Every command once, in the order a node's life has them; the record in Vectors/ is this against swtpm.</summary>
internal static class TpmScenario
{
    private static readonly byte[] s_modulus = Convert.FromHexString(
        "c8a2069182394a2ab7c3f4190c15589c56a2d4bc42dca675b34cc950e24663048441e8aa593b2bc59e198b8c257e8821"
        + "20c62336e5cc745012c7ffb063eebe53f3c6504cba6cfe51baa3b6d1074b2f398171f4b1982f4d65"
        + "caf882ea4d56f32ab57d0c44e6ad4e9cf57a4339eb6962406e350c1b15397183fbf1f0353c9fc991");

    /// <summary>Runs the commands and returns what came of them, in words.</summary>
    public static IReadOnlyList<string> Run(TpmClient tpm)
    {
        List<string> said = [];
        void Say(string what, ReadOnlySpan<byte> bytes) => said.Add($"{what} {Convert.ToHexStringLower(bytes)}");
        TpmPcrSelection eleven = new(TpmAlgorithm.Sha256, 11);

        said.Add($"family {tpm.GetProperties(0x100, 1)[0x100]:x8}");
        said.Add($"banks {string.Join(" ", tpm.GetPcrBanks().Select(b => $"{b.Hash}:{b.Mask:x6}"))}");
        said.Add($"persistent {string.Join(" ", tpm.GetHandles(0x81000000, 16).Select(h => $"{h:x8}"))}");
        Say("random", tpm.GetRandom(40));
        tpm.ExtendPcr(11, TpmAlgorithm.Sha256, SHA256.HashData("an image"u8));
        foreach ((int pcr, byte[] value) in tpm.ReadPcrs(new TpmPcrSelection(TpmAlgorithm.Sha256, 0, 1, 2, 3, 4, 5, 6, 7, 11, 12)))
            Say($"pcr{pcr}", value);

        TpmKey root = tpm.CreatePrimary(TpmEntity.Owner, TpmTemplates.StorageRoot);
        Say("root", root.Entity.Name.Span);
        TpmSession policy = tpm.StartSession(TpmSessionKind.Policy, root);
        tpm.PolicyPcr(policy, eleven);
        byte[] digest = tpm.PolicyGetDigest(policy);
        Say("policy", digest);
        TpmSession create = tpm.StartSession(TpmSessionKind.Hmac, root);
        TpmBlob blob = tpm.Create(root, create, TpmTemplates.Sealed(digest), "thirty-two bytes of a node's seed"u8);
        TpmKey secret = tpm.Load(root, blob);
        Say("unsealed", tpm.Unseal(secret, policy));
        foreach (TpmEntity done in (ReadOnlySpan<TpmEntity>)[secret.Entity, policy.Entity, create.Entity])
            tpm.Flush(done);

        using (RSA verifier = RSA.Create(new RSAParameters { Modulus = s_modulus, Exponent = [1, 0, 1] }))
        {
            TpmKey external = tpm.LoadExternal(TpmPublic.OfRsa(verifier));
            Say("external", external.Entity.Name.Span);
            tpm.Flush(external.Entity);     // a TPM without a resource manager has three places
        }

        TpmKey endorsement = tpm.CreatePrimary(TpmEntity.Endorsement, TpmTemplates.EndorsementEcc);
        TpmKey attestation = tpm.CreatePrimary(TpmEntity.Endorsement, TpmTemplates.AttestationEcc);
        said.Add($"the same {tpm.ReadPublic(attestation.Entity.Handle).Public.Name().AsSpan().SequenceEqual(attestation.Entity.Name.Span)}");
        TpmStatement quote = tpm.Quote(attestation, "a nonce"u8, eleven);
        TpmAttestation quoted = TpmAttestation.Parse(quote.Attestation.Span);
        said.Add($"quote verifies {quote.Signature.Verifies(attestation.Public, quote.Attestation.Span)}");
        Say("quoted", quoted.PcrDigest.Span);
        TpmStatement certificate = tpm.Certify(root, attestation, "another"u8);
        said.Add($"certificate verifies {certificate.Signature.Verifies(attestation.Public, certificate.Attestation.Span)}");
        Say("certified", TpmAttestation.Parse(certificate.Attestation.Span).CertifiedName.Span);

        TpmCredential challenge = TpmCredential.Make(endorsement.Public, attestation.Entity.Name.Span, "only this TPM can say it"u8, new TpmRecord().Draw);
        TpmSession may = tpm.StartSession(TpmSessionKind.Policy);
        tpm.PolicySecret(may, TpmEntity.Endorsement);
        Say("activated", tpm.ActivateCredential(attestation, endorsement, may, challenge));

        TpmNvPublic counter = TpmNvPublic.Counter(0x01800001, written: false), counting = TpmNvPublic.Counter(0x01800001, written: true);
        tpm.DefineNv(counter);
        tpm.IncrementNv(counter, TpmSession.Password);
        tpm.IncrementNv(counting, TpmSession.Password);
        Say("counter", tpm.ReadNvPublic(0x01800001).ToBytes());
        said.Add($"counted {tpm.ReadNvCounter(counting, TpmSession.Password)}");
        return said;
    }
}
