using System.Security.Cryptography;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Formats.Tpm;

namespace ZeroOS.Client.Attestation;

/// <summary>Asks a node for the proof of what it booted: the quote, then the challenge for the keys that came with it.</summary>
public static class EvidenceCollector
{
    /// <summary>Both steps, with a nonce of our own.</summary>
    /// <exception cref="BusErrorException">What the node refused; with a reason of <see cref="AttestationReasons"/> if it cannot attest at all.</exception>
    public static async Task<Evidence> CollectAsync(NodeClient node, CancellationToken cancellation)
    {
        byte[] nonce = RandomNumberGenerator.GetBytes(AttestationBinding.NonceBytes), secret = RandomNumberGenerator.GetBytes(AttestedTpm.SecretBytes);
        NodeAttest question = new() { Quote = new QuoteRequest { Nonce = Convert.ToBase64String(nonce), Pcrs = Evidence.Pcrs } };
        NodeQuote quote = (await node.AttestAsync(question, cancellation)).Quote
            ?? throw new SpoofedReplyException("a question for a quote was answered with something else");
        (byte[] epoch, byte[] sealingKey) = node.Channel!.Value; // those the question went with: the challenge may go with later ones
        return new Evidence
        {
            Node = node.Node,
            Nonce = nonce,
            Epoch = epoch,
            SealingKey = sealingKey,
            Quote = quote,
            Secret = secret,
            ToldSecret = await ChallengeAsync(node, quote, secret, cancellation),
        };
    }

    /// <summary>What the node tells of the challenge; null if it cannot, or shows keys that nothing can be asked of.</summary>
    private static async Task<byte[]?> ChallengeAsync(NodeClient node, NodeQuote quote, byte[] secret, CancellationToken cancellation)
    {
        try
        {
            TpmCredential credential = AttestedTpm.Read(quote).Challenge(secret);
            CredentialChallenge challenge = new()
            {
                Credential = Convert.ToBase64String(credential.Object.Span),
                EncryptedSeed = Convert.ToBase64String(credential.EncryptedSeed.Span)
            };
            string? told = (await node.AttestAsync(new NodeAttest { Challenge = challenge }, cancellation)).Secret;
            return told is not null && CanonicalBase64.TryDecode(told, out byte[] bytes) ? bytes : null;
        }
        catch (BusErrorException e) when (e.Error.Code == ErrorCodes.Invalid)
        {
            return null;
        }
        catch (TpmException)
        {
            return null;
        }
    }
}
