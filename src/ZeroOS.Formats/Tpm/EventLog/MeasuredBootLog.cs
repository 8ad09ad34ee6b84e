using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZeroOS.Formats.Tpm.EventLog;

/// <summary>
/// The firmware's log of what it measured (TCG PC Client Platform Firmware Profile 1.06, section 10, crypto-agile format), as the kernel gives it in
/// binary_bios_measurements. The log proves nothing by itself: <see cref="Replay"/> gives the values the PCRs have if it is true, and a TPM's quote says which
/// they have.
/// </summary>
public sealed class MeasuredBootLog
{
    /// <summary>
    /// The largest log that is read: edk2 reserves 64 KiB before and 32 KiB after the firmware's tables are fixed; the rest is for makers with larger key
    /// databases.
    /// </summary>
    public const int MaxBytes = 128 << 10;

    /// <summary>Events at most.</summary>
    public const int MaxEvents = 4096;

    /// <summary>Registers a TPM of the PC Client profile has.</summary>
    public const int PcrCount = 24;

    private const int FirstDynamicPcr = 17, LastDynamicPcr = 22;
    private const int Sha1HeaderBytes = 32; // register, type, SHA-1 digest, size: the first event has the old format
    private const int BankCount = 4;

    private static ReadOnlySpan<byte> Signature => "Spec ID Event03\0"u8;

    private static ReadOnlySpan<byte> StartupLocality => "StartupLocality\0"u8;

    private readonly bool[] _banks;

    private MeasuredBootLog(IReadOnlyList<MeasuredEvent> events, bool[] banks, byte locality) => (Events, _banks, Locality) = (events, banks, locality);

    /// <summary>All events, the header left out, in the order they were measured.</summary>
    public IReadOnlyList<MeasuredEvent> Events { get; }

    /// <summary>The locality the TPM was started from (0, 3 or 4), which is what PCR 0 starts at.</summary>
    public byte Locality { get; }

    /// <summary>Whether every event has a digest of that bank.</summary>
    public bool Has(PcrBank bank) => _banks[(int)bank];

    /// <summary>Reads a log.</summary>
    /// <exception cref="EventLogException">It is none, is cut off, or is past the bounds.</exception>
    public static MeasuredBootLog Read(ReadOnlyMemory<byte> log)
    {
        if (log.Length > MaxBytes)
            throw new EventLogException($"an event log of {log.Length} bytes is larger than {MaxBytes}");
        Cursor cursor = new(log);
        (int Algorithm, int Bytes)[] algorithms = ReadHeader(ref cursor);
        bool[] banks = new bool[BankCount];
        foreach ((int algorithm, int bytes) in algorithms)
        {
            if (BankOf(algorithm) is PcrBank bank)
                banks[(int)bank] = bytes == DigestBytes(bank)
                    ? true
                    : throw new EventLogException($"the log's header says that digests of {bank} have {bytes} bytes");
        }
        List<MeasuredEvent> events = [];
        byte locality = 0;
        while (cursor.Left > 0)
        {
            if (events.Count == MaxEvents)
                throw new EventLogException($"the log has more than {MaxEvents} events");
            MeasuredEvent next = ReadEvent(ref cursor, events.Count, algorithms);
            // The locality counts only before anything was extended into PCR 0; later it would be a way to lie about where PCR 0 began.
            if (next is { Type: EventType.NoAction, Pcr: 0, Data.Length: 17 } && next.Data.Span.StartsWith(StartupLocality)
                && !events.Any(e => e.Pcr == 0 && e.IsExtended))
                locality = next.Data.Span[16];
            events.Add(next);
        }
        return new MeasuredBootLog(events, banks, locality);
    }

    /// <summary>The value each of the 24 PCRs has if this log is all that was ever extended.</summary>
    /// <exception cref="EventLogException">The log has no digests of that bank.</exception>
    public byte[][] Replay(PcrBank bank = PcrBank.Sha256)
    {
        if (!Has(bank))
            throw new EventLogException($"the log has no {bank} digests");
        byte[][] values = new byte[PcrCount][];
        for (int pcr = 0; pcr < PcrCount; pcr++)
        {
            values[pcr] = new byte[DigestBytes(bank)];
            if (pcr is >= FirstDynamicPcr and <= LastDynamicPcr)
                values[pcr].AsSpan().Fill(0xFF);
        }
        values[0][^1] = Locality;
        foreach (MeasuredEvent e in Events)
        {
            if (e.IsExtended)
                values[e.Pcr] = Extend(bank, values[e.Pcr], e.Digest(bank));
        }
        return values;
    }

    /// <summary>What a PCR becomes when a digest is extended into it: the hash of both.</summary>
    public static byte[] Extend(PcrBank bank, ReadOnlySpan<byte> value, ReadOnlySpan<byte> digest)
    {
        byte[] both = [.. value, .. digest];
        return bank switch
        {
#pragma warning disable CA5350 // the SHA-1 bank exists; nothing is decided by it
            PcrBank.Sha1 => SHA1.HashData(both),
#pragma warning restore CA5350
            PcrBank.Sha256 => SHA256.HashData(both),
            PcrBank.Sha384 => SHA384.HashData(both),
            _ => SHA512.HashData(both),
        };
    }

    private static (int Algorithm, int Bytes)[] ReadHeader(ref Cursor cursor)
    {
        if (cursor.Left < Sha1HeaderBytes)
            throw new EventLogException("the event log has no header");
        uint pcr = cursor.UInt32(), type = cursor.UInt32();
        cursor.Take(20);
        ReadOnlyMemory<byte> data = cursor.Take(cursor.UInt32());
        if (pcr != 0 || type != (uint)EventType.NoAction || !data.Span.StartsWith(Signature))
            throw new EventLogException("the event log is not of the crypto-agile format (TPM 2)");
        Cursor header = new(data[Signature.Length..]);
        header.Take(8); // platform class, version of the specification, size of a native integer
        uint count = header.UInt32();
        if (count is 0 or > 8)
            throw new EventLogException($"the event log's header names {count} hash algorithms");
        (int Algorithm, int Bytes)[] algorithms = new (int, int)[count];
        for (int i = 0; i < count; i++)
        {
            algorithms[i] = (header.UInt16(), header.UInt16());
            if (algorithms[i].Bytes is 0 or > 64 || Array.FindIndex(algorithms, 0, i, a => a.Algorithm == algorithms[i].Algorithm) >= 0)
                throw new EventLogException($"the event log's header is wrong about hash algorithm {algorithms[i].Algorithm:x4}");
        }
        header.Take(header.Byte()); // the vendor's own
        return algorithms;
    }

    private static MeasuredEvent ReadEvent(ref Cursor cursor, int index, (int Algorithm, int Bytes)[] algorithms)
    {
        int at = cursor.Position;
        uint pcr = cursor.UInt32();
        EventType type = (EventType)cursor.UInt32();
        // Some firmware writes its notes with register 0xFFFFFFFF; what is not extended may name any.
        if (pcr >= PcrCount && type != EventType.NoAction)
            throw new EventLogException($"event {index} at offset {at} is for PCR {pcr}");
        if (cursor.UInt32() != algorithms.Length)
            throw new EventLogException($"event {index} at offset {at} does not have one digest for each of the {algorithms.Length} banks");
        byte[]?[] digests = new byte[]?[BankCount];
        int seen = 0;
        for (int i = 0; i < algorithms.Length; i++)
        {
            int algorithm = cursor.UInt16(), place = Array.FindIndex(algorithms, a => a.Algorithm == algorithm);
            if (place < 0 || (seen & (1 << place)) != 0)
                throw new EventLogException(
                    $"event {index} at offset {at} has a digest of algorithm {algorithm:x4} that the header does not promise, or twice");
            seen |= 1 << place;
            ReadOnlyMemory<byte> digest = cursor.Take(algorithms[place].Bytes);
            if (BankOf(algorithm) is PcrBank bank)
                digests[(int)bank] = digest.ToArray();
        }
        return new MeasuredEvent(index, pcr < PcrCount ? (int)pcr : PcrCount - 1, type, digests, cursor.Take(cursor.UInt32()));
    }

    private static PcrBank? BankOf(int algorithm) => algorithm switch
    {
        0x4 => PcrBank.Sha1,
        0xB => PcrBank.Sha256,
        0xC => PcrBank.Sha384,
        0xD => PcrBank.Sha512,
        _ => null,
    };

    private static int DigestBytes(PcrBank bank) => bank switch { PcrBank.Sha1 => 20, PcrBank.Sha256 => 32, PcrBank.Sha384 => 48, _ => 64 };

    /// <summary>A place in the log that never leaves it. Little-endian, as the log is.</summary>
    private struct Cursor(ReadOnlyMemory<byte> bytes)
    {
        public int Position { get; private set; }

        public readonly int Left => bytes.Length - Position;

        public ReadOnlyMemory<byte> Take(uint count)
        {
            if (count > Left)
                throw new EventLogException($"the event log is cut off at offset {Position}: {count} bytes are said to follow, {Left} do");
            ReadOnlyMemory<byte> taken = bytes.Slice(Position, (int)count);
            Position += (int)count;
            return taken;
        }

        public ReadOnlyMemory<byte> Take(int count) => Take((uint)count);

        public byte Byte() => Take(1u).Span[0];

        public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2u).Span);

        public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4u).Span);
    }
}
