using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Tests.Engine.Logs;

/// <summary>A file of a log as the version before times read and wrote it: it is what comes back when a version on trial fails.</summary>
internal static class FormerLog
{
    /// <summary>The output, and from which offset it would go on.</summary>
    public static (string Text, long Wanted) Read(byte[] file)
    {
        StringBuilder text = new();
        long wanted = 0;
        for (int at = 0; file.Length - at >= 20;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4));
            long offset = BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at + 8));
            byte kind = file[at + 16];
            if (length < 0 || length > file.Length - at - 20 || offset < 0 || kind is not (1 or 2 or 3)
                || BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at)) != Check(file.AsSpan(at + 4, 16 + length)))
                break;
            if (kind != 3)
                text.Append(Encoding.ASCII.GetString(file, at + 20, length));
            wanted = kind == 3 ? 0 : offset + length;
            at += 20 + length;
        }
        return (text.ToString(), wanted);
    }

    /// <summary>One record.</summary>
    public static byte[] Record(byte kind, long offset, string output)
    {
        byte[] record = [.. new byte[20], .. Encoding.ASCII.GetBytes(output)];
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(4), output.Length);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(8), offset);
        record[16] = kind;
        BinaryPrimitives.WriteUInt32LittleEndian(record, Check(record.AsSpan(4)));
        return record;
    }

    private static uint Check(ReadOnlySpan<byte> bytes)
    {
        uint hash = 2166136261;
        foreach (byte b in bytes)
            hash = (hash ^ b) * 16777619;
        return hash;
    }
}
