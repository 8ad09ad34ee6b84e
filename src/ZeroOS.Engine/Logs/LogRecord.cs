using System.Buffers.Binary;

using ZeroOS.Contracts.Guest;

namespace ZeroOS.Engine.Logs;

/// <summary>
/// One record of a log file: u32 check, u32 payload length, u64 offset in the run, u8 kind, u24 stamp (<see cref="LogTimes"/>); then the payload. The check
/// (FNV-1a over all but itself) is there for the tail that a power cut tears; it is no defence against anybody.
/// </summary>
internal readonly record struct LogRecord(byte Kind, int Stamp, long Offset, int Start, int Length)
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeaderBytes = 20;

    /// <summary>Payload bytes at most.</summary>
    public const int MaxPayload = 64 * 1024;

    /// <summary>Kind: the workload's standard output.</summary>
    public const byte Stdout = (byte)OutputStream.StandardOutput;

    /// <summary>Kind: its standard error.</summary>
    public const byte Stderr = (byte)OutputStream.StandardError;

    /// <summary>Kind: a new run begins, offsets count from 0 again.</summary>
    public const byte Begin = 3;

    private const int StampShift = 8;       // of the word that begins with the kind

    /// <summary>Has output of the machine: no beginning of a run, and no half of a time.</summary>
    public bool HasOutput => Kind != Begin && Length > 0;

    /// <summary>The position behind its last byte.</summary>
    public int End => Start + Length;

    /// <summary>The record's bytes; <paramref name="stamp"/> has 24 bits.</summary>
    public static byte[] Encode(byte kind, long offset, ReadOnlySpan<byte> payload, int stamp = 0)
    {
        byte[] record = new byte[HeaderBytes + payload.Length];
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(4), payload.Length);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(8), offset);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(16), kind | (stamp << StampShift));
        payload.CopyTo(record.AsSpan(HeaderBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(record, Check(record.AsSpan(4)));
        return record;
    }

    /// <summary>Reads the record at <paramref name="at"/>; false at the end and at whatever is no record.</summary>
    public static bool TryRead(ReadOnlySpan<byte> file, int at, out LogRecord record)
    {
        record = default;
        if (file.Length - at < HeaderBytes)
            return false;
        ReadOnlySpan<byte> bytes = file[at..];
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        long offset = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        byte kind = bytes[16];
        if (length is < 0 or > MaxPayload || length > bytes.Length - HeaderBytes || offset < 0 || kind is not (Stdout or Stderr or Begin))
            return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Check(bytes[4..(HeaderBytes + length)]))
            return false;
        record = new LogRecord(kind, BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]) >>> StampShift, offset, at + HeaderBytes, length);
        return true;
    }

    private static uint Check(ReadOnlySpan<byte> bytes)
    {
        uint hash = 2166136261;
        foreach (byte b in bytes)
            hash = (hash ^ b) * 16777619;
        return hash;
    }
}
