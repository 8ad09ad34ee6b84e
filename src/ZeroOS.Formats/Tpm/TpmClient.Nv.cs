using System.Buffers.Binary;

namespace ZeroOS.Formats.Tpm;

/// <summary>What the TPM keeps for others: NV indices (Part 1, 37).</summary>
public sealed partial class TpmClient
{
    /// <summary>TPM2_NV_ReadPublic: what an index is.</summary>
    /// <exception cref="TpmErrorException"><see cref="TpmError.Handle"/>: there is no such index.</exception>
    public TpmNvPublic ReadNvPublic(uint index)
    {
        TpmReader reader = new(Run(TpmCommandCode.NvReadPublic, [TpmEntity.OfHandle(index)], [], new TpmWriter()));
        byte[] area = reader.ReadSized().ToArray(), name = reader.ReadSized().ToArray();
        reader.RequireEnd("an NV index");
        TpmNvPublic read = TpmNvPublic.Parse(area);
        return read.Index == index && read.Name().AsSpan().SequenceEqual(name)
            ? read
            : throw new TpmException($"NV index 0x{index:x8} comes under another name than its content has");
    }

    /// <summary>TPM2_NV_Read of a whole index that may be read with its own empty password, as the makers' certificates may.</summary>
    public byte[] ReadNv(uint index)
    {
        const int Piece = 512;      // what every TPM gives at once
        TpmNvPublic there = ReadNvPublic(index);
        TpmEntity entity = new(index, there.Name());
        List<byte> bytes = [];
        while (bytes.Count < there.DataBytes)
        {
            ushort size = (ushort)Math.Min(Piece, there.DataBytes - bytes.Count);
            byte[] answer = Run(TpmCommandCode.NvRead, [entity, entity], [TpmSession.Password], new TpmWriter().UInt16(size).UInt16((ushort)bytes.Count));
            ReadOnlySpan<byte> got = OneSized(answer);
            bytes.AddRange(got.Length == size ? got : throw new TpmException($"{got.Length} bytes of NV index 0x{index:x8} came where {size} were asked for"));
        }
        return [.. bytes];
    }

    /// <summary>
    /// TPM2_NV_DefineSpace, authorized by the owner's empty password, of an index with an empty password of its own. A counter begins above every counter that
    /// this TPM ever had (Part 1, 37.2.6).
    /// </summary>
    /// <exception cref="TpmErrorException"><see cref="TpmError.NvDefined"/>: it is there; <see cref="TpmError.NvSpace"/>: there is no room.</exception>
    public void DefineNv(TpmNvPublic index) =>
        Run(TpmCommandCode.NvDefineSpace, [TpmEntity.Owner], [TpmSession.Password], new TpmWriter().Sized([]).Sized(index.ToBytes()));

    /// <summary>TPM2_NV_Increment of a counter. The session is one that uses the counter's empty password.</summary>
    public void IncrementNv(TpmNvPublic counter, TpmSession session)
    {
        TpmEntity entity = new(counter.Index, counter.Name());
        Run(TpmCommandCode.NvIncrement, [entity, entity], [session], new TpmWriter());
    }

    /// <summary>TPM2_NV_Read of a counter, whose value the session vouches for.</summary>
    public ulong ReadNvCounter(TpmNvPublic counter, TpmSession session)
    {
        TpmEntity entity = new(counter.Index, counter.Name());
        ReadOnlySpan<byte> value = OneSized(Run(TpmCommandCode.NvRead, [entity, entity], [session], new TpmWriter().UInt16(sizeof(ulong)).UInt16(0)));
        return value.Length == sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(value) : throw new TpmException($"a counter of {value.Length} bytes");
    }
}
