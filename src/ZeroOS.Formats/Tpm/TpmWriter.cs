using System.Buffers;
using System.Buffers.Binary;

namespace ZeroOS.Formats.Tpm;

/// <summary>Writes a TPM's structures, big-endian. Every call returns the writer, so that a structure reads as its table in the specification.</summary>
internal sealed class TpmWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public TpmWriter Byte(byte value) => Raw([value]);

    public TpmWriter UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.GetSpan(2), value);
        _bytes.Advance(2);
        return this;
    }

    public TpmWriter UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.GetSpan(4), value);
        _bytes.Advance(4);
        return this;
    }

    public TpmWriter Algorithm(TpmAlgorithm value) => UInt16((ushort)value);

    public TpmWriter Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    /// <summary>A TPM2B: 16-bit length and the bytes.</summary>
    public TpmWriter Sized(ReadOnlySpan<byte> bytes) => UInt16(checked((ushort)bytes.Length)).Raw(bytes);
}
