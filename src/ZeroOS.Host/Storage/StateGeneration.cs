using System.Buffers.Binary;

namespace ZeroOS.Host.Storage;

/// <summary>
/// How new the state of a disk is: the file <c>state/generation</c>. Each start of the node raises it on every disk, and so does the loss of a disk on the
/// others; the highest is the node's newest word. A disk without the file has no complete copy. Layout: magic 8, u64 generation, u32 CRC-32C of all before.
/// </summary>
internal static class StateGeneration
{
    internal const string FileName = "generation";

    private const int Bytes = 20, ChecksumOffset = 16;

    private static ReadOnlySpan<byte> Magic => "ZEROOSG\x01"u8;

    /// <summary>The generation of the state in a directory; 0 if it is not complete, or damaged.</summary>
    internal static ulong Read(string stateDirectory)
    {
        FileInfo file = new(Path.Combine(stateDirectory, FileName));
        return file is { Exists: true, Length: Bytes } && TryRead(File.ReadAllBytes(file.FullName), out ulong generation) ? generation : 0;
    }

    internal static bool TryRead(ReadOnlySpan<byte> bytes, out ulong generation)
    {
        generation = 0;
        if (bytes.Length != Bytes || !bytes.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumOffset..]) != Checksum.Crc32C(bytes[..ChecksumOffset]))
            return false;
        generation = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        return true;
    }

    /// <summary>Says that the state is complete and of that generation.</summary>
    internal static void Write(string stateDirectory, ulong generation)
    {
        byte[] bytes = [.. Magic, .. new byte[Bytes - 8]];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), generation);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(ChecksumOffset), Checksum.Crc32C(bytes.AsSpan(0, ChecksumOffset)));
        DurableFile.Write(Path.Combine(stateDirectory, FileName), bytes);
    }

    /// <summary>Says that the state is not complete.</summary>
    internal static void Clear(string stateDirectory) => DurableFile.Delete(Path.Combine(stateDirectory, FileName));
}
