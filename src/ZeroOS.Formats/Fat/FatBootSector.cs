using System.Buffers.Binary;

namespace ZeroOS.Formats.Fat;

/// <summary>The first sector of a FAT32 volume, with its BIOS parameter block (FAT specification, sections 3.1 and 3.3).</summary>
public static class FatBootSector
{
    /// <summary>Bytes that say something, however large the volume's sectors are.</summary>
    public const int Bytes = 512;

    internal const int Info = 1, Backup = 6; // where a new volume has its FSInfo sector, and the copy of both
    private const int LoaderHeadBytes = 11, SectorBytesAt = 11, ClusterSectorsAt = 13, ReservedSectorsAt = 14, FatCountAt = 16,
        RootEntriesAt = 17, FewSectorsAt = 19;
    private const int MediaAt = 21, FatSectors16At = 22, TrackSectorsAt = 24, HeadsAt = 26, HiddenSectorsAt = 28, SectorsAt = 32,
        FatSectorsAt = 36, FlagsAt = 40;
    private const int VersionAt = 42, RootClusterAt = 44, InfoAt = 48, BackupAt = 50, DriveAt = 64, ExtendedAt = 66, SerialAt = 67, LabelAt = 71, SystemAt = 82,
        LoaderCodeAt = 90, SignatureAt = 510;
    private const int OneFatOnly = 0x80;

    /// <summary>
    /// The dimensions a boot sector gives. Its bytes may be anybody's: what is returned lies within <paramref name="volumeBytes"/>, its clusters in its tables.
    /// </summary>
    /// <param name="sector">At least the first <see cref="Bytes"/> of the volume.</param>
    /// <param name="volumeBytes">Bytes there are.</param>
    /// <exception cref="InvalidDataException">Not FAT32 with mirrored tables and sectors of 512 to 4096 bytes, or one that contradicts itself or its
    /// size.</exception>
    public static FatGeometry Read(ReadOnlySpan<byte> sector, long volumeBytes)
    {
        if (sector.Length < Bytes || sector[SignatureAt] != 0x55 || sector[SignatureAt + 1] != 0xAA)
            throw new InvalidDataException("not a FAT volume: no boot sector");
        int sectorBytes = Word(sector, SectorBytesAt), clusterSectors = sector[ClusterSectorsAt], reserved = Word(sector, ReservedSectorsAt),
            copies = sector[FatCountAt];
        if (sectorBytes is not (512 or 1024 or 2048 or 4096) || clusterSectors is 0 or > 128 || (clusterSectors & (clusterSectors - 1)) != 0)
            throw new InvalidDataException("not a FAT volume: odd sectors or clusters");
        uint tables = Double(sector, FatSectorsAt);
        if (Word(sector, RootEntriesAt) != 0 || Word(sector, FatSectors16At) != 0 || Word(sector, VersionAt) != 0 || tables == 0)
            throw new InvalidDataException("a FAT volume, but not FAT32");
        // Nobody makes volumes in which only one of two tables counts, and firmware may not look.
        if (reserved < 2 || copies is not (1 or 2) || (sector[FlagsAt] & OneFatOnly) != 0)
            throw new InvalidDataException("a FAT volume of odd dimensions, or whose tables are not mirrored");
        // mkfs.fat has the size of a small volume where FAT16 has it.
        long sectors = Word(sector, FewSectorsAt) is > 0 and var few ? few : Double(sector, SectorsAt);
        int info = Word(sector, InfoAt);
        FatGeometry geometry = new(sectors, clusterSectors, reserved, copies, tables, Double(sector, HiddenSectorsAt), Double(sector, RootClusterAt))
        {
            SectorBytes = sectorBytes,
            InfoSector = info < reserved ? info : 0,
        };
        bool inTable = geometry.EndCluster * (long)FatTableEntry.Bytes <= tables * (long)sectorBytes;
        if (sectors > volumeBytes / sectorBytes || geometry.FirstDataSector >= sectors || geometry.Clusters < 1 || !inTable)
            throw new InvalidDataException("a FAT volume that is larger than the place it lies in, or than its own table");
        return geometry.Holds(geometry.RootCluster) ? geometry : throw new InvalidDataException("a FAT volume whose root directory lies outside of it");
    }

    /// <summary>The volume's number, of a sector that <see cref="Read"/> took.</summary>
    internal static uint Serial(ReadOnlySpan<byte> sector) => Double(sector, SerialAt);

    /// <summary>The sector of a volume with these dimensions.</summary>
    /// <exception cref="ArgumentException">A label or a boot loader that FAT does not take.</exception>
    internal static byte[] Write(FatGeometry geometry, FatIdentity identity)
    {
        byte[] sector = new byte[geometry.SectorBytes];
        ReadOnlySpan<byte> loader = identity.BootSector.Span;
        if (loader.Length is not (0 or Bytes))
            throw new ArgumentException("a boot loader's sector has 512 bytes");
        (loader.IsEmpty ? [0xEB, 0x58, 0x90, .. "MSWIN4.1"u8] : loader[..LoaderHeadBytes]).CopyTo(sector);
        Put(sector, SectorBytesAt, (ushort)geometry.SectorBytes);
        sector[ClusterSectorsAt] = (byte)geometry.ClusterSectors;
        Put(sector, ReservedSectorsAt, (ushort)geometry.ReservedSectors);
        sector[FatCountAt] = (byte)geometry.FatCount;
        sector[MediaAt] = 0xF8; // a hard disk
        Put(sector, TrackSectorsAt, (ushort)63);
        Put(sector, HeadsAt, (ushort)255);
        Put(sector, HiddenSectorsAt, (uint)geometry.HiddenSectors);
        Put(sector, SectorsAt, (uint)geometry.Sectors);
        Put(sector, FatSectorsAt, (uint)geometry.FatSectors);
        Put(sector, RootClusterAt, geometry.RootCluster);
        Put(sector, InfoAt, (ushort)Info);
        Put(sector, BackupAt, (ushort)Backup);
        sector[DriveAt] = 0x80;
        sector[ExtendedAt] = 0x29; // serial and label follow
        Put(sector, SerialAt, identity.Serial);
        identity.LabelBytes().CopyTo(sector, LabelAt);
        "FAT32   "u8.CopyTo(sector.AsSpan(SystemAt));
        // Without a loader: int 18h asks the BIOS for its next device, and then the processor waits.
        (loader.IsEmpty ? [0xCD, 0x18, 0xF4, 0xEB, 0xFD] : loader[LoaderCodeAt..SignatureAt]).CopyTo(sector.AsSpan(LoaderCodeAt));
        (sector[SignatureAt], sector[SignatureAt + 1]) = (0x55, 0xAA);
        return sector;
    }

    private static ushort Word(ReadOnlySpan<byte> sector, int at) => BinaryPrimitives.ReadUInt16LittleEndian(sector[at..]);

    private static uint Double(ReadOnlySpan<byte> sector, int at) => BinaryPrimitives.ReadUInt32LittleEndian(sector[at..]);

    private static void Put(Span<byte> sector, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(sector[at..], value);

    private static void Put(Span<byte> sector, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(sector[at..], value);
}
