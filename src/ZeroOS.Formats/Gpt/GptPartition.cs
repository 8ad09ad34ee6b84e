using ZeroOS.Formats.Streams;

namespace ZeroOS.Formats.Gpt;

/// <summary>One partition (UEFI 2.10, 5.3.3).</summary>
/// <param name="Type">What it holds; <see cref="EfiSystem"/> is the firmware's.</param>
/// <param name="Id">Its own identifier; systemd's stub says by it where it was started from.</param>
/// <param name="FirstSector">First sector, of 512 bytes.</param>
/// <param name="LastSector">Last sector, inclusive.</param>
/// <param name="Attributes">Bits of 5.3.3, table 5.8; <see cref="LegacyBootable"/> is one.</param>
/// <param name="Name">At most 36 UTF-16 units.</param>
public sealed record GptPartition(Guid Type, Guid Id, long FirstSector, long LastSector, ulong Attributes, string Name)
{
    /// <summary>Its place in the table, from 1; 0 for one that was not read from a table.</summary>
    public int Number { get; init; }

    /// <summary>A FAT file system from which firmware starts \EFI\BOOT\BOOTX64.EFI.</summary>
    public static readonly Guid EfiSystem = new("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");

    /// <summary>The attribute by which a boot loader in the protective MBR finds the partition it starts.</summary>
    public const ulong LegacyBootable = 1UL << 2;

    /// <summary>Where it begins, in bytes.</summary>
    public long OffsetBytes => FirstSector * GptTable.SectorBytes;

    /// <summary>How long it is, in bytes.</summary>
    public long SizeBytes => (LastSector - FirstSector + 1) * GptTable.SectorBytes;

    /// <summary>Its bytes on a disk or image as a stream; closing that leaves <paramref name="disk"/> open.</summary>
    public SubStream Open(Stream disk) => new(disk, OffsetBytes, SizeBytes, leaveOpen: true);
}
