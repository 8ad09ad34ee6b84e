using System.Runtime.InteropServices;

namespace ZeroOS.Vmm.Devices.Block;

/// <summary>struct virtio_blk_config (virtio 1.2, 5.2.4). Zero means that the device does not say.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct BlockConfig
{
    /// <summary>Sectors of 512 bytes.</summary>
    public ulong Capacity;

    /// <summary>Bytes of a segment; segments of a request.</summary>
    public uint SizeMax, SegMax;

    /// <summary>Geometry, of no meaning here.</summary>
    public ushort Cylinders;

    /// <summary>Geometry, of no meaning here.</summary>
    public byte Heads, Sectors;

    /// <summary>Bytes of a block.</summary>
    public uint BlockSize;

    /// <summary>Topology: logical blocks of a physical one as a power of two, offset of the first.</summary>
    public byte PhysicalBlockExponent, AlignmentOffset;

    /// <summary>Topology: the smallest good transfer in blocks.</summary>
    public ushort MinIoSize;

    /// <summary>Topology: the best transfer in blocks.</summary>
    public uint OptIoSize;

    /// <summary>Cache mode, and padding.</summary>
    public byte WriteBack, Unused0;

    /// <summary>Queues.</summary>
    public ushort Queues;

    /// <summary>Discard: sectors of a range, ranges of a request, alignment in sectors.</summary>
    public uint MaxDiscardSectors, MaxDiscardSegments, DiscardAlignment;

    /// <summary>Write zeroes: sectors of a range, ranges of a request.</summary>
    public uint MaxWriteZeroesSectors, MaxWriteZeroesSegments;

    /// <summary>Whether zeroes may be holes, and padding.</summary>
    public byte WriteZeroesMayUnmap, Unused1, Unused2, Unused3;

    /// <summary>
    /// A disk of <paramref name="capacityBytes"/> with one queue of <paramref name="queueSize"/> entries: header and status take two of a request's pieces.
    /// </summary>
    public static BlockConfig For(long capacityBytes, int queueSize)
    {
        const uint MaxRangeSectors = 1 << 22, PageSectors = 8;
        return new BlockConfig
        {
            Capacity = (ulong)capacityBytes / BlockRequest.SectorSize,
            SegMax = (uint)queueSize - 2,
            BlockSize = BlockRequest.SectorSize,
            Queues = 1,
            MaxDiscardSectors = MaxRangeSectors,
            MaxDiscardSegments = 1,
            DiscardAlignment = PageSectors,
            MaxWriteZeroesSectors = MaxRangeSectors,
            MaxWriteZeroesSegments = 1,
            WriteZeroesMayUnmap = 1,
        };
    }
}
