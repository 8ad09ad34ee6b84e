using System.Buffers.Binary;

namespace ZeroOS.Formats.Tpm;

/// <summary>What it is, random bytes, platform configuration registers.</summary>
public sealed partial class TpmClient
{
    private const uint CapabilityHandles = 1, CapabilityPcrs = 5, CapabilityProperties = 6;
    private const int MaxListed = 1024;

    /// <summary>TPM2_GetCapability of properties (Part 2, 6.13): up to <paramref name="count"/> that exist, from <paramref name="first"/> on.</summary>
    public IReadOnlyDictionary<uint, uint> GetProperties(uint first, int count)
    {
        TpmReader reader = GetCapability(CapabilityProperties, first, count);
        int listed = ReadCount(ref reader);
        Dictionary<uint, uint> properties = [];
        for (int i = 0; i < listed; i++)
            properties[reader.ReadUInt32()] = reader.ReadUInt32();
        reader.RequireEnd("a list of properties");
        return properties;
    }

    /// <summary>
    /// TPM2_GetCapability of handles that exist, from <paramref name="first"/> on: NV indices from 0x01000000, persistent objects from 0x81000000.
    /// </summary>
    public IReadOnlyList<uint> GetHandles(uint first, int count)
    {
        TpmReader reader = GetCapability(CapabilityHandles, first, count);
        int listed = ReadCount(ref reader);
        List<uint> handles = [];
        for (int i = 0; i < listed; i++)
            handles.Add(reader.ReadUInt32());
        reader.RequireEnd("a list of handles");
        return handles;
    }

    /// <summary>TPM2_GetCapability of PCRs: the banks that are switched on and the PCRs in each.</summary>
    public IReadOnlyList<TpmPcrSelection> GetPcrBanks()
    {
        TpmReader reader = GetCapability(CapabilityPcrs, 0, 1);
        IReadOnlyList<TpmPcrSelection> banks = TpmPcrSelection.ReadList(ref reader);
        reader.RequireEnd("a list of banks");
        return [.. banks.Where(b => b.Mask != 0)];
    }

    /// <summary>TPM2_GetRandom, as often as it takes.</summary>
    public byte[] GetRandom(int count)
    {
        List<byte> bytes = [];
        while (bytes.Count < count)
        {
            byte[] answer = Run(TpmCommandCode.GetRandom, [], [], new TpmWriter().UInt16((ushort)Math.Min(count - bytes.Count, 32)));
            ReadOnlySpan<byte> got = OneSized(answer);
            if (got.IsEmpty || got.Length > count - bytes.Count)
                throw new TpmException($"{got.Length} random bytes came where at most {count - bytes.Count} were asked for");
            bytes.AddRange(got);
        }
        return [.. bytes];
    }

    /// <summary>TPM2_PCR_Read, as often as it takes: number and value, rising.</summary>
    /// <exception cref="TpmException">The bank is switched off, or lacks one of them.</exception>
    public IReadOnlyList<(int Pcr, byte[] Value)> ReadPcrs(TpmPcrSelection selection)
    {
        List<(int Pcr, byte[] Value)> values = [];
        for (TpmPcrSelection left = selection; left.Mask != 0;)
        {
            TpmReader reader = new(Run(TpmCommandCode.PcrRead, [], [], new TpmWriter().Raw(left.ToBytes())));
            _ = reader.ReadUInt32();    // the update counter: only of interest to who reads more than one answer's worth as one state
            TpmPcrSelection? got = TpmPcrSelection.ReadList(ref reader).FirstOrDefault(b => b.Hash == selection.Hash);
            int[] pcrs = [.. got?.Pcrs ?? []];
            if (pcrs.Length == 0 || (got!.Mask & ~left.Mask) != 0 || ReadCount(ref reader) != pcrs.Length)
                throw new TpmException($"the TPM has no {selection.Hash} bank with PCR {string.Join(",", left.Pcrs)}");
            foreach (int pcr in pcrs)
                values.Add((pcr, reader.ReadSized().ToArray() is var value && value.Length == TpmHash.Bytes(selection.Hash)
                    ? value
                    : throw new TpmException($"PCR {pcr} has {value.Length} bytes")));
            reader.RequireEnd("PCR values");
            left = left.Except(got.Mask);
        }
        return [.. values.OrderBy(v => v.Pcr)];
    }

    /// <summary>TPM2_PCR_Extend of one bank.</summary>
    public void ExtendPcr(int pcr, TpmAlgorithm hash, ReadOnlySpan<byte> digest) =>
        Run(TpmCommandCode.PcrExtend, [TpmEntity.OfHandle((uint)pcr)], [TpmSession.Password], new TpmWriter().UInt32(1).Algorithm(hash).Raw(digest));

    private TpmReader GetCapability(uint capability, uint property, int count)
    {
        byte[] answer = Run(TpmCommandCode.GetCapability, [], [], new TpmWriter().UInt32(capability).UInt32(property).UInt32((uint)count));
        if (answer.Length < 5 || BinaryPrimitives.ReadUInt32BigEndian(answer.AsSpan(1)) != capability)
            throw new TpmException("capabilities of another kind than asked for");
        return new TpmReader(answer.AsSpan(5));   // moreData and the kind go before
    }

    private static int ReadCount(ref TpmReader reader) =>
        reader.ReadUInt32() is var count && count <= MaxListed ? (int)count : throw new TpmException($"a list of {count} entries");

    private static ReadOnlySpan<byte> OneSized(byte[] parameters)
    {
        TpmReader reader = new(parameters);
        ReadOnlySpan<byte> value = reader.ReadSized();
        reader.RequireEnd("the one parameter");
        return value;
    }
}
