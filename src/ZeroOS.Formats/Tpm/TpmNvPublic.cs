namespace ZeroOS.Formats.Tpm;

/// <summary>The public area of an NV index (TPMS_NV_PUBLIC, Part 2, 13.5).</summary>
public sealed record TpmNvPublic
{
    /// <summary>TPMA_NV (Part 2, 13.4) of something that has been written since it was defined.</summary>
    public const uint Written = 1 << 29;

    // TPMA_NV_AUTHWRITE, TPM_NT_COUNTER, TPMA_NV_AUTHREAD, TPMA_NV_NO_DA
    private const uint CounterAttributes = (1 << 2) | (1 << 4) | (1 << 18) | (1 << 25);

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

    /// <summary>A counter that whoever is at the TPM reads and raises; nobody can lower it.</summary>
    public static TpmNvPublic Counter(uint index, bool written) => new()
    {
        Index = index,
        NameAlgorithm = TpmAlgorithm.Sha256,
        Attributes = CounterAttributes | (written ? Written : 0),
        AuthPolicy = ReadOnlyMemory<byte>.Empty,
        DataBytes = sizeof(ulong),
    };

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

    /// <summary>The area.</summary>
    public byte[] ToBytes() =>
        new TpmWriter().UInt32(Index).Algorithm(NameAlgorithm).UInt32(Attributes).Sized(AuthPolicy.Span).UInt16((ushort)DataBytes).ToArray();
}
