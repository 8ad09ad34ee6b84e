namespace ZeroOS.Flist;

/// <summary>Numbers and names of the flist artifact (docs/flist.md). A change of any of them is a new version of the format.</summary>
public static class FlistFormat
{
    /// <summary>The manifest's artifactType.</summary>
    public const string ArtifactType = "application/vnd.zeroos.flist.v1";

    /// <summary>Media type of the index: the first layer.</summary>
    public const string IndexMediaType = "application/vnd.zeroos.flist.index.v1";

    /// <summary>Media type of a data blob: the layers after the index.</summary>
    public const string DataMediaType = "application/vnd.zeroos.flist.data.v1";

    /// <summary>Media type of the prefetch list: at most one, the last layer.</summary>
    public const string PrefetchMediaType = "application/vnd.zeroos.flist.prefetch.v1";

    /// <summary>The annotation that says what the device is.</summary>
    public const string KindAnnotation = "org.zeroos.flist.kind";

    /// <summary>Value of <see cref="KindAnnotation"/>: a root file system (EROFS).</summary>
    public const string KindRootfs = "rootfs";

    /// <summary>Value of <see cref="KindAnnotation"/>: a whole disk.</summary>
    public const string KindDisk = "disk";

    /// <summary>Bytes in a manifest at most.</summary>
    public const int MaxManifestBytes = 1 << 20;

    /// <summary>Bytes in an image config at most.</summary>
    public const int MaxConfigBytes = 1 << 20;

    /// <summary>Bytes in an index at most.</summary>
    public const int MaxIndexBytes = 64 << 20;

    /// <summary>"ZFLIST1\0" as a little-endian number.</summary>
    public const ulong IndexMagic = 0x00_31_54_53_49_4C_46_5A;

    /// <summary>Version in the index header.</summary>
    public const uint IndexVersion = 1;

    /// <summary>Bytes in the index header.</summary>
    public const int HeaderSize = 64;

    /// <summary>Bytes in one record.</summary>
    public const int RecordSize = 96;

    /// <summary>The device's block size in bytes; offsets and lengths are multiples of it.</summary>
    public const int BlockSize = 4096;

    /// <summary>Bytes of the device one chunk covers at most.</summary>
    public const int MaxChunkLength = 4 << 20;

    /// <summary>Chunks of an index that may be as small as they like: small files of many layers make small packs.</summary>
    public const int FreeChunks = 4096;

    /// <summary>Bytes of the device that chunks cover on average at least, where there are more than <see cref="FreeChunks"/>.</summary>
    public const int MinAverageChunk = 16 * 1024;

    /// <summary>Data blobs at most: the record's blob number has 16 bits.</summary>
    public const int MaxBlobs = 65535;

    /// <summary>Bytes of a device, and of a blob, at most: 16 TiB keeps every sum far from overflow.</summary>
    public const long MaxDeviceSize = 1L << 44;

    /// <summary>Record flag: <see cref="FlistChunk.NeededAtStart"/>.</summary>
    public const byte FlagNeededAtStart = 1;
}
