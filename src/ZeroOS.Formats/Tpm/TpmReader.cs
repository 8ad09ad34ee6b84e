using System.Buffers.Binary;

namespace ZeroOS.Formats.Tpm;

/// <summary>Reads a TPM's structures: big-endian, every length checked against what is there.</summary>
internal ref struct TpmReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly int Remaining => _rest.Length;

    public byte ReadByte() => Take(1)[0];

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64BigEndian(Take(8));

    public TpmAlgorithm ReadAlgorithm() => (TpmAlgorithm)ReadUInt16();

    /// <summary>A TPM2B: 16-bit length and so many bytes.</summary>
    public ReadOnlySpan<byte> ReadSized() => Take(ReadUInt16());

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw new TpmException($"{count} bytes are announced where {_rest.Length} are left");
        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    /// <summary>Nothing may follow.</summary>
    public readonly void RequireEnd(string what)
    {
        if (!_rest.IsEmpty)
            throw new TpmException($"{_rest.Length} bytes follow {what}");
    }
}
