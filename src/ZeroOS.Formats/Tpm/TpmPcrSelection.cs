namespace ZeroOS.Formats.Tpm;

/// <summary>Some PCRs of one bank (TPML_PCR_SELECTION with one entry, Part 2, 10.6.2 and 10.9.7).</summary>
public sealed record TpmPcrSelection
{
    /// <summary>PCRs a platform has at most, as counted here.</summary>
    public const int MaxPcrs = 24;

    /// <summary>Selects PCRs of the bank of <paramref name="hash"/>.</summary>
    public TpmPcrSelection(TpmAlgorithm hash, params ReadOnlySpan<int> pcrs)
    {
        Hash = hash;
        foreach (int pcr in pcrs)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)pcr, (uint)MaxPcrs, nameof(pcrs));
            Mask |= 1u << pcr;
        }
    }

    private TpmPcrSelection(TpmAlgorithm hash, uint mask) => (Hash, Mask) = (hash, mask);

    /// <summary>The bank.</summary>
    public TpmAlgorithm Hash { get; }

    /// <summary>Bit n is PCR n.</summary>
    public uint Mask { get; }

    /// <summary>The numbers, rising.</summary>
    public IEnumerable<int> Pcrs => Enumerable.Range(0, MaxPcrs).Where(n => (Mask & (1u << n)) != 0);

    /// <summary>The same bank without the PCRs of <paramref name="others"/>.</summary>
    internal TpmPcrSelection Except(uint others) => new(Hash, Mask & ~others);

    /// <summary>The TPML_PCR_SELECTION.</summary>
    public byte[] ToBytes() => new TpmWriter().UInt32(1).Algorithm(Hash).Byte(3).Raw([(byte)Mask, (byte)(Mask >> 8), (byte)(Mask >> 16)]).ToArray();

    /// <summary>Reads a TPML_PCR_SELECTION of any number of banks.</summary>
    internal static IReadOnlyList<TpmPcrSelection> ReadList(ref TpmReader from)
    {
        const int MaxBanks = 16, MaxSelectBytes = 4;
        uint count = from.ReadUInt32();
        if (count > MaxBanks)
            throw new TpmException($"{count} banks of PCRs");
        List<TpmPcrSelection> banks = [];
        for (uint i = 0; i < count; i++)
        {
            TpmAlgorithm hash = from.ReadAlgorithm();
            int bytes = from.ReadByte();
            if (bytes > MaxSelectBytes)
                throw new TpmException($"a selection of {bytes * 8} PCRs");
            uint mask = 0;
            for (int n = 0; n < bytes; n++)
                mask |= (uint)from.ReadByte() << (8 * n);
            banks.Add(new TpmPcrSelection(hash, mask & ((1u << MaxPcrs) - 1)));
        }
        return banks;
    }
}
