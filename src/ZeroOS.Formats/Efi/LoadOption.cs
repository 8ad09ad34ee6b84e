using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace ZeroOS.Formats.Efi;

/// <summary>
/// The value of a Boot#### variable (EFI_LOAD_OPTION, UEFI 2.10, 3.1.3) that starts a file on a GPT partition. The device path is the short form that begins
/// with the partition (3.1.2): the firmware looks for the disk that has it, wherever that is plugged in today.
/// </summary>
public sealed record LoadOption
{
    /// <summary>LOAD_OPTION_ACTIVE.</summary>
    private const uint Active = 1;

    private const byte Media = 4, HardDrive = 1, FilePath = 4, End = 0x7F, EndEntire = 0xFF, GptFormat = 2, GuidSignature = 2;
    private const int HardDriveBytes = 42, HeaderBytes = 4;

    /// <summary>What a person sees in the firmware's menu.</summary>
    public required string Description { get; init; }

    /// <summary>The partition's number on its disk, from 1.</summary>
    public required uint PartitionNumber { get; init; }

    /// <summary>Its first block.</summary>
    public required ulong PartitionStart { get; init; }

    /// <summary>Its blocks.</summary>
    public required ulong PartitionBlocks { get; init; }

    /// <summary>Its identifier.</summary>
    public required Guid PartitionId { get; init; }

    /// <summary>The file, "\EFI\BOOT\BOOTX64.EFI".</summary>
    public required string File { get; init; }

    /// <summary>The variable's bytes.</summary>
    public byte[] ToBytes()
    {
        byte[] description = Text(Description), file = Text(File);
        int pathBytes = HardDriveBytes + HeaderBytes + file.Length + HeaderBytes;
        byte[] bytes = new byte[sizeof(uint) + sizeof(ushort) + description.Length + pathBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Active);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), (ushort)pathBytes);
        description.CopyTo(bytes, 6);
        Span<byte> node = bytes.AsSpan(6 + description.Length);
        Header(node, Media, HardDrive, HardDriveBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(node[4..], PartitionNumber);
        BinaryPrimitives.WriteUInt64LittleEndian(node[8..], PartitionStart);
        BinaryPrimitives.WriteUInt64LittleEndian(node[16..], PartitionBlocks);
        PartitionId.TryWriteBytes(node[24..]);
        node[40] = GptFormat;
        node[41] = GuidSignature;
        node = node[HardDriveBytes..];
        Header(node, Media, FilePath, HeaderBytes + file.Length);
        file.CopyTo(node[HeaderBytes..]);
        Header(node[(HeaderBytes + file.Length)..], End, EndEntire, HeaderBytes);
        return bytes;
    }

    /// <summary>The description in a Boot#### variable, whatever it starts; null when the bytes are none.</summary>
    public static string? DescriptionOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 8)
            return null;
        ReadOnlySpan<char> text = MemoryMarshal.Cast<byte, char>(bytes[6..]);
        int end = text.IndexOf('\0');
        return end < 0 ? null : new string(text[..end]);
    }

    private static byte[] Text(string text) => Encoding.Unicode.GetBytes(text + '\0');

    private static void Header(Span<byte> node, byte type, byte subType, int length)
    {
        node[0] = type;
        node[1] = subType;
        BinaryPrimitives.WriteUInt16LittleEndian(node[2..], (ushort)length);
    }
}
