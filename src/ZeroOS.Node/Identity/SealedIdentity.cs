using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

using ZeroOS.Bus.Keys;
using ZeroOS.Formats.Tpm;

namespace ZeroOS.Node.Identity;

/// <summary>
/// An identity that only one TPM gives back, and only to images of one signer. What the TPM holds is the seed and the hash of <see cref="Terms"/>, so that
/// nobody who has the disk can put his own recovery key in the place of the farm's. On a disk: the key id's 32 bytes, then each part after its u16 length.
/// </summary>
internal sealed record SealedIdentity
{
    /// <summary>Whose it is.</summary>
    public required KeyId Node { get; init; }

    /// <summary>Who may recover it.</summary>
    public required PinnedTerms Terms { get; init; }

    /// <summary>The seed sealed to the terms' encryption key: for a mainboard that never saw it.</summary>
    public required byte[] Box { get; init; }

    /// <summary>The name of the storage root key of the TPM: another name, another TPM.</summary>
    public required byte[] RootName { get; init; }

    /// <summary>The key that signs the image's policy, DER SubjectPublicKeyInfo.</summary>
    public required byte[] PolicyKey { get; init; }

    /// <summary>The TPM's own, encrypted.</summary>
    public required TpmBlob Blob { get; init; }

    internal static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out SealedIdentity? read)
    {
        read = null;
        if (bytes.Length < 32 || !PinnedTerms.TryReadKey(bytes[..32], out KeyId? node))
            return false;
        bytes = bytes[32..];
        Span<Range> parts = stackalloc Range[6];
        int at = 0;
        foreach (ref Range part in parts)
        {
            if (bytes.Length - at < 2 || BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]) is var length && length > bytes.Length - at - 2)
                return false;
            part = (at + 2)..(at += 2 + length);
        }
        if (at != bytes.Length || !PinnedTerms.TryRead(bytes[parts[0]], out PinnedTerms? terms))
            return false;
        read = new SealedIdentity
        {
            Node = node,
            Terms = terms,
            Box = bytes[parts[1]].ToArray(),
            RootName = bytes[parts[2]].ToArray(),
            PolicyKey = bytes[parts[3]].ToArray(),
            Blob = new TpmBlob(bytes[parts[4]].ToArray(), bytes[parts[5]].ToArray()),
        };
        return true;
    }

    internal byte[] ToBytes()
    {
        List<byte> bytes = [.. Node.Bytes];
        foreach (byte[] part in (ReadOnlySpan<byte[]>)[Terms.ToBytes(), Box, RootName, PolicyKey, Blob.Private.ToArray(), Blob.Public.ToArray()])
        {
            bytes.Add((byte)part.Length);
            bytes.Add((byte)(part.Length >> 8));
            bytes.AddRange(part);
        }
        return [.. bytes];
    }
}
