namespace ZeroOS.Formats.Tpm;

/// <summary>The public area of an NV index (TPMS_NV_PUBLIC, Part 2, 13.5).</summary>
public sealed record TpmNvPublic
{
    /// <summary>Its handle.</summary>
    public required uint Index { get; init; }

    /// <summary>The hash of its name.</summary>
    public required TpmAlgorithm NameAlgorithm { get; init; }

    /// <summary>TPMA_NV (Part 2, 13.4).</summary>
    public required uint Attributes { get; init; }

    /// <summary>Digest of the policy that allows its use.</summary>
    public required ReadOnlyMemory<byte> AuthPolicy { get; init; }

    /// <summary>Bytes in it.</summary>
    public required int DataBytes { get; init; }

    /// <summary>Reads the area.</summary>
    /// <exception cref="TpmException">It is none.</exception>
    public static TpmNvPublic Parse(ReadOnlySpan<byte> bytes)
    {
        TpmReader r = new(bytes);
        TpmNvPublic read = new()
        {
            Index = r.ReadUInt32(),
            NameAlgorithm = r.ReadAlgorithm(),
            Attributes = r.ReadUInt32(),
            AuthPolicy = r.ReadSized().ToArray(),
            DataBytes = r.ReadUInt16(),
        };
        r.RequireEnd("an NV public area");
        return read;
    }

    /// <summary>The name by which authorizations know it.</summary>
    public byte[] Name() => new TpmWriter().Algorithm(NameAlgorithm).Raw(TpmHash.Compute(NameAlgorithm, ToBytes())).ToArray();

    private byte[] ToBytes() =>
        new TpmWriter().UInt32(Index).Algorithm(NameAlgorithm).UInt32(Attributes).Sized(AuthPolicy.Span).UInt16((ushort)DataBytes).ToArray();
}
