namespace ZeroOS.Formats.Tpm;

/// <summary>
/// What a signed statement says (TPMS_ATTEST, Part 2, 10.12): a quote of PCRs, or that an object is in the TPM. Verify the signature over the bytes before
/// believing it.
/// </summary>
public sealed record TpmAttestation
{
    private const uint Generated = 0xFF544347;      // the TPM puts it first, and signs nothing else that begins with it
    private const ushort CertifyType = 0x8017, QuoteType = 0x8018;

    /// <summary>The signing key's qualified name.</summary>
    public required ReadOnlyMemory<byte> QualifiedSigner { get; init; }

    /// <summary>What the asker gave: a nonce, or a hash with one in it.</summary>
    public required ReadOnlyMemory<byte> ExtraData { get; init; }

    /// <summary>Milliseconds the TPM has been powered in all its life.</summary>
    public required ulong Clock { get; init; }

    /// <summary>Starts of the TPM since its last clear.</summary>
    public required uint ResetCount { get; init; }

    /// <summary>Resumes since the last start.</summary>
    public required uint RestartCount { get; init; }

    /// <summary>The clock cannot have been lower before.</summary>
    public required bool ClockSafe { get; init; }

    /// <summary>As the maker numbers it.</summary>
    public required ulong FirmwareVersion { get; init; }

    /// <summary>Of a quote: which PCRs, bank by bank.</summary>
    public IReadOnlyList<TpmPcrSelection>? Pcrs { get; init; }

    /// <summary>Of a quote: the digest of their values.</summary>
    public ReadOnlyMemory<byte> PcrDigest { get; init; }

    /// <summary>Of a certification: the object's name.</summary>
    public ReadOnlyMemory<byte> CertifiedName { get; init; }

    /// <summary>It is a quote.</summary>
    public bool IsQuote => Pcrs is not null;

    /// <summary>Reads a TPMS_ATTEST, which must be all of <paramref name="bytes"/>.</summary>
    /// <exception cref="TpmException">It is none, or of another kind.</exception>
    public static TpmAttestation Parse(ReadOnlySpan<byte> bytes)
    {
        TpmReader r = new(bytes);
        if (r.ReadUInt32() != Generated)
            throw new TpmException("not a statement of a TPM");
        ushort type = r.ReadUInt16();
        TpmAttestation said = new()
        {
            QualifiedSigner = r.ReadSized().ToArray(),
            ExtraData = r.ReadSized().ToArray(),
            Clock = r.ReadUInt64(),
            ResetCount = r.ReadUInt32(),
            RestartCount = r.ReadUInt32(),
            ClockSafe = r.ReadByte() != 0,
            FirmwareVersion = r.ReadUInt64(),
        };
        said = type switch
        {
            QuoteType => said with { Pcrs = TpmPcrSelection.ReadList(ref r), PcrDigest = r.ReadSized().ToArray() },
            CertifyType => WithName(said, ref r),
            _ => throw new TpmException($"a statement of kind 0x{type:x4} is not known here"),
        };
        r.RequireEnd("a statement");
        return said;
    }

    private static TpmAttestation WithName(TpmAttestation said, ref TpmReader r)
    {
        said = said with { CertifiedName = r.ReadSized().ToArray() };
        _ = r.ReadSized();      // the qualified name: where in its hierarchy the object stands
        return said;
    }
}
