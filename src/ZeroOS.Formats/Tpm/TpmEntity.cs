using System.Buffers.Binary;

namespace ZeroOS.Formats.Tpm;

/// <summary>Something in the TPM that a command can name: its handle, and the name by which authorizations know it (Part 1, 16).</summary>
/// <param name="Handle">Where it is now; the first byte says of what kind it is (Part 2, 7.2).</param>
/// <param name="Name">Hash algorithm and digest of its public area; of PCRs, sessions and hierarchies the handle itself.</param>
public sealed record TpmEntity(uint Handle, ReadOnlyMemory<byte> Name)
{
    /// <summary>The owner's hierarchy: storage keys.</summary>
    public static readonly TpmEntity Owner = OfHandle(0x40000001);

    /// <summary>The hierarchy of nobody.</summary>
    public static readonly TpmEntity Null = OfHandle(0x40000007);

    /// <summary>The maker's hierarchy: endorsement keys.</summary>
    public static readonly TpmEntity Endorsement = OfHandle(0x4000000B);

    /// <summary>A thing whose name is its handle.</summary>
    public static TpmEntity OfHandle(uint handle)
    {
        byte[] name = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(name, handle);
        return new TpmEntity(handle, name);
    }
}
