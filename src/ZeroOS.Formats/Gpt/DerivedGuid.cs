using System.Security.Cryptography;
using System.Text;

namespace ZeroOS.Formats.Gpt;

/// <summary>Identifiers that are unique and yet the same in every build: a hash of what they stand for, in the form RFC 9562 calls version 8.</summary>
public static class DerivedGuid
{
    /// <summary>The identifier of <paramref name="purpose"/> (which thing) for <paramref name="seed"/> (of which build).</summary>
    public static Guid Of(string purpose, string seed)
    {
        Span<byte> hash = SHA256.HashData(Encoding.UTF8.GetBytes(purpose + "\0" + seed));
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
