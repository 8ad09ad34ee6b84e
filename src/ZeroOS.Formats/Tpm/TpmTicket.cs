namespace ZeroOS.Formats.Tpm;

/// <summary>The TPM's note to itself that it has checked something (Part 2, 10.7).</summary>
public sealed record TpmTicket(ushort Tag, uint Hierarchy, ReadOnlyMemory<byte> Digest)
{
    internal static TpmTicket Read(ref TpmReader from) => new(from.ReadUInt16(), from.ReadUInt32(), from.ReadSized().ToArray());

    internal void Write(TpmWriter to) => to.UInt16(Tag).UInt32(Hierarchy).Sized(Digest.Span);
}
