using System.Security.Cryptography;
using System.Text;

using ZeroOS.Formats.Tpm;

namespace ZeroOS.Tests.Formats.Tpm;

/// <summary>tpm2-tools judge what we say to the TPM, and we what they say.</summary>
public sealed class TpmToolsTests
{
    private static readonly TpmPcrSelection s_eleven = new(TpmAlgorithm.Sha256, 11);

    [SkippableFact]
    public void Storage_root_key_has_the_same_name_by_tpm2_createprimary()
    {
        using SoftwareTpm swtpm = SoftwareTpm.Start();
        TpmClient tpm = swtpm.Open();
        TpmKey root = tpm.CreatePrimary(TpmEntity.Owner, TpmTemplates.StorageRoot);
        tpm.Flush(root.Entity);
        // TPMS_ECC_POINT as the tools take it: two lengths in the processor's order, each before a field of its full width
        File.WriteAllBytes(Path.Combine(swtpm.Folder, "unique"),
            [.. BitConverter.GetBytes((ushort)32), .. new byte[128], .. BitConverter.GetBytes((ushort)32), .. new byte[128]]);
        swtpm.Tool("tpm2_createprimary", "-C", "o", "-g", "sha256", "-G", "ecc256:aes128cfb", "-a",
            "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda", "-u", "unique", "-c", "root.ctx");
        swtpm.Tool("tpm2_readpublic", "-c", "root.ctx", "-n", "name");
        Assert.Equal(root.Entity.Name.ToArray(), File.ReadAllBytes(Path.Combine(swtpm.Folder, "name")));
    }

    [SkippableFact]
    public void What_we_seal_to_a_signed_policy_tpm2_unseal_opens()
    {
        using SoftwareTpm swtpm = SoftwareTpm.Start();
        TpmClient tpm = swtpm.Open();
        using RSA key = RSA.Create(2048);
        tpm.ExtendPcr(11, TpmAlgorithm.Sha256, SHA256.HashData("an image"u8));
        byte[] approved = TpmPolicy.Pcr(TpmPolicy.Empty, s_eleven, TpmPolicy.PcrDigest(tpm.ReadPcrs(s_eleven)[0].Value));
        File.WriteAllBytes(Path.Combine(swtpm.Folder, "approved"), approved);
        File.WriteAllBytes(Path.Combine(swtpm.Folder, "signature"), key.SignData(approved, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        File.WriteAllText(Path.Combine(swtpm.Folder, "key.pem"), key.ExportSubjectPublicKeyInfoPem());

        // The key's name by the tools, which load it with other attributes than we do: the policy is over that name here.
        swtpm.Tool("tpm2_loadexternal", "-C", "o", "-G", "rsa", "-u", "key.pem", "-c", "key.ctx", "-n", "key.name");
        byte[] policy = TpmPolicy.Authorize(File.ReadAllBytes(Path.Combine(swtpm.Folder, "key.name")), []);
        TpmKey root = tpm.CreatePrimary(TpmEntity.Owner, TpmTemplates.StorageRoot);
        TpmSession session = tpm.StartSession(TpmSessionKind.Hmac, root);
        TpmBlob blob = tpm.Create(root, session, TpmTemplates.Sealed(policy), "the seed"u8);
        tpm.EvictControl(root.Entity, 0x81000001);
        tpm.Flush(root.Entity);
        tpm.Flush(session.Entity);
        File.WriteAllBytes(Path.Combine(swtpm.Folder, "private"), [(byte)(blob.Private.Length >> 8), (byte)blob.Private.Length, .. blob.Private.Span]);
        File.WriteAllBytes(Path.Combine(swtpm.Folder, "public"), [(byte)(blob.Public.Length >> 8), (byte)blob.Public.Length, .. blob.Public.Span]);

        swtpm.Tool("tpm2_verifysignature", "-c", "key.ctx", "-g", "sha256", "-m", "approved", "-s", "signature", "-t", "ticket", "-f", "rsassa");
        swtpm.Tool("tpm2_flushcontext", "-t");      // the tools leave behind what only a resource manager clears away
        swtpm.Tool("tpm2_load", "-C", "0x81000001", "-u", "public", "-r", "private", "-c", "sealed.ctx");
        swtpm.Tool("tpm2_startauthsession", "--policy-session", "-S", "session.ctx");
        swtpm.Tool("tpm2_policypcr", "-S", "session.ctx", "-l", "sha256:11");
        swtpm.Tool("tpm2_policyauthorize", "-S", "session.ctx", "-i", "approved", "-n", "key.name", "-t", "ticket");
        Assert.Equal("the seed", swtpm.Tool("tpm2_unseal", "-c", "sealed.ctx", "-p", "session:session.ctx"));
    }

    [SkippableFact]
    public void Policies_computed_here_are_those_the_TPM_computes()
    {
        using SoftwareTpm swtpm = SoftwareTpm.Start();
        TpmClient tpm = swtpm.Open();
        using RSA rsa = RSA.Create(2048);
        TpmSession trial = tpm.StartSession(TpmSessionKind.Trial);
        tpm.PolicyPcr(trial, s_eleven);
        byte[] approved = tpm.PolicyGetDigest(trial);
        Assert.Equal(TpmPolicy.Pcr(TpmPolicy.Empty, s_eleven, TpmPolicy.PcrDigest(new byte[32])), approved);
        TpmKey key = tpm.LoadExternal(TpmPublic.OfRsa(rsa));
        TpmSignature signature = new(TpmAlgorithm.RsaSsa, TpmAlgorithm.Sha256, rsa.SignData(approved, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        TpmTicket ticket = tpm.VerifySignature(key, SHA256.HashData(approved), signature);
        tpm.PolicyAuthorize(trial, approved, [], key.Entity.Name.Span, ticket);
        Assert.Equal(TpmPolicy.Authorize(key.Entity.Name.Span, []), tpm.PolicyGetDigest(trial));
        // TCG EK Credential Profile, B.6.2
        Assert.Equal("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa", Convert.ToHexStringLower(TpmTemplates.EndorsementEcc.AuthPolicy.Span));
    }

    [SkippableFact]
    public void Signature_of_another_key_gives_no_ticket()
    {
        using SoftwareTpm swtpm = SoftwareTpm.Start();
        TpmClient tpm = swtpm.Open();
        using RSA one = RSA.Create(2048), other = RSA.Create(2048);
        TpmSignature signature = new(TpmAlgorithm.RsaSsa, TpmAlgorithm.Sha256, other.SignData("policy"u8, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        TpmErrorException e = Assert.Throws<TpmErrorException>(() => tpm.VerifySignature(tpm.LoadExternal(TpmPublic.OfRsa(one)),
            SHA256.HashData("policy"u8), signature));
        Assert.Equal(TpmError.Signature, e.Error);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Credential_made_here_is_activated_by_its_TPM_and_by_no_other_key(bool rsa)
    {
        using SoftwareTpm swtpm = SoftwareTpm.Start();
        TpmClient tpm = swtpm.Open();
        TpmKey endorsement = tpm.CreatePrimary(TpmEntity.Endorsement, rsa ? TpmTemplates.EndorsementRsa : TpmTemplates.EndorsementEcc);
        TpmKey attestation = tpm.CreatePrimary(TpmEntity.Endorsement, TpmTemplates.AttestationEcc);
        byte[] Activate(TpmCredential credential)
        {
            TpmSession may = tpm.StartSession(TpmSessionKind.Policy);
            tpm.PolicySecret(may, TpmEntity.Endorsement);
            return tpm.ActivateCredential(attestation, endorsement, may, credential);
        }
        Assert.Equal("secret", Encoding.ASCII.GetString(Activate(TpmCredential.Make(endorsement.Public, attestation.Entity.Name.Span, "secret"u8))));
        Assert.Throws<TpmErrorException>(() => Activate(TpmCredential.Make(endorsement.Public, endorsement.Entity.Name.Span, "secret"u8)));
    }

    [SkippableFact]
    public void Quote_of_ours_satisfies_tpm2_checkquote()
    {
        using SoftwareTpm swtpm = SoftwareTpm.Start();
        TpmClient tpm = swtpm.Open();
        TpmKey key = tpm.CreatePrimary(TpmEntity.Endorsement, TpmTemplates.AttestationEcc);
        TpmStatement quote = tpm.Quote(key, [0xAB, 0xCD], s_eleven);
        File.WriteAllBytes(Path.Combine(swtpm.Folder, "quote"), quote.Attestation.ToArray());
        File.WriteAllBytes(Path.Combine(swtpm.Folder, "signature"), quote.Signature.ToBytes());
        using ECDsa ecdsa = ECDsa.Create(key.Public.ToEc());
        File.WriteAllText(Path.Combine(swtpm.Folder, "key.pem"), ecdsa.ExportSubjectPublicKeyInfoPem());
        swtpm.Tool("tpm2_checkquote", "-u", "key.pem", "-m", "quote", "-s", "signature", "-q", "abcd", "-g", "sha256");
    }

    [SkippableFact]
    public void Index_written_by_tpm2_nvwrite_is_read_whole()
    {
        using SoftwareTpm swtpm = SoftwareTpm.Start();
        byte[] content = RandomNumberGenerator.GetBytes(1300);      // as long as an endorsement certificate, and no multiple of a piece
        File.WriteAllBytes(Path.Combine(swtpm.Folder, "content"), content);
        swtpm.Tool("tpm2_nvdefine", "0x1c0000a", "-C", "o", "-s", "1300", "-a", "ownerwrite|authread|ownerread|no_da");
        swtpm.Tool("tpm2_nvwrite", "0x1c0000a", "-C", "o", "-i", "content");
        TpmClient tpm = swtpm.Open();
        Assert.Equal(content, tpm.ReadNv(0x01C0000A));
        Assert.Contains(0x01C0000Au, tpm.GetHandles(0x01000000, 32));
        Assert.Equal(TpmError.Handle, Assert.Throws<TpmErrorException>(() => tpm.ReadNv(0x01C00002)).Error);
    }

    [SkippableFact]
    public void Other_TPM_refuses_what_this_one_sealed()
    {
        using SoftwareTpm one = SoftwareTpm.Start(), other = SoftwareTpm.Start();
        TpmClient here = one.Open(), there = other.Open();
        TpmKey root = here.CreatePrimary(TpmEntity.Owner, TpmTemplates.StorageRoot);
        TpmBlob blob = here.Create(root, TpmSession.Password, TpmTemplates.Sealed(new byte[32]), "the seed"u8);
        Assert.Equal(TpmError.Integrity,
            Assert.Throws<TpmErrorException>(() => there.Load(there.CreatePrimary(TpmEntity.Owner, TpmTemplates.StorageRoot), blob)).Error);
    }
}
