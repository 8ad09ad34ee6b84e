using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Formats.Tpm.EventLog;

/// <summary>An EFI image that was loaded to be started (UEFI_IMAGE_LOAD_EVENT, PFP 1.06, section 10.2.3).</summary>
/// <param name="Digest">Its Authenticode hash, SHA-256: what PCR 4 vouches for.</param>
/// <param name="Where">The file in its device path, or what kind of place it is: the firmware's word, which no digest covers.</param>
public sealed record LoadedImage(byte[] Digest, string Where)
{
    private const int FixedBytes = 32;
    private const byte MediaPath = 4, FilePathNode = 4, FirmwareFileNode = 6, HardwarePath = 1, MemoryMappedNode = 3, EndPath = 0x7F;

    /// <summary>The images of a log that were started from boot services (PCR 4), in order.</summary>
    public static IReadOnlyList<LoadedImage> Applications(MeasuredBootLog log) =>
        [.. log.Events.Where(e => e is { Pcr: 4, Type: EventType.EfiBootServicesApplication })
            .Select(e => new LoadedImage(e.Sha256.ToArray(), PathOf(e.Data.Span)))];

    private static string PathOf(ReadOnlySpan<byte> data)
    {
        if (data.Length < FixedBytes || BinaryPrimitives.ReadUInt64LittleEndian(data[24..]) != (ulong)(data.Length - FixedBytes))
            return "an unknown place";
        StringBuilder file = new();
        bool firmware = false, memory = false;
        ReadOnlySpan<byte> path = data[FixedBytes..];
        while (path.Length >= 4 && path[0] != EndPath)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(path[2..]);
            if (length < 4 || length > path.Length)
                break;
            (byte type, byte subtype) = (path[0], path[1]);
            if (type == MediaPath && subtype == FilePathNode && file.Length < 256)
                file.Append(Encoding.Unicode.GetString(path[4..(4 + ((length - 4) & ~1))]).TrimEnd('\0'));
            firmware |= type == MediaPath && subtype == FirmwareFileNode;
            memory |= type == HardwarePath && subtype == MemoryMappedNode;
            path = path[length..];
        }
        string name = ForeignText.Plain(file.ToString(), 256);
        return name.Length > 0 ? name : firmware ? "the firmware" : memory ? "memory" : "a device";
    }
}
