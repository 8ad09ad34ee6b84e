using System.Runtime.InteropServices;

using ZeroOS.Linux;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Block;

/// <summary>
/// One virtio-blk request (virtio 1.2, 5.2.6): its header copied out of guest memory, its data as pieces of guest memory. Requests live in a pool as large as
/// the queue and are reused.
/// </summary>
internal sealed unsafe class BlockRequest
{
    /// <summary>Bytes of a sector, whatever the disk.</summary>
    public const int SectorSize = 512;

    private readonly MemoryPart[] _parts;

    /// <summary>A request with room for <paramref name="maxParts"/> pieces of data.</summary>
    public BlockRequest(int index, int maxParts)
    {
        Index = index;
        Chain = new DescriptorChain(maxParts);
        _parts = GC.AllocateArray<MemoryPart>(maxParts, pinned: true);
    }

    /// <summary>Its place in the pool: what the ring brings back.</summary>
    public int Index { get; }

    /// <summary>The driver's buffer.</summary>
    public DescriptorChain Chain { get; }

    /// <summary>What is asked.</summary>
    public BlockOperation Operation { get; private set; }

    /// <summary>Where in the disk, in bytes.</summary>
    public long Offset { get; private set; }

    /// <summary>How many bytes of the disk.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes moved so far.</summary>
    public long Done { get; set; }

    /// <summary>Discard and write zeroes: whether the space may be given back.</summary>
    public bool Unmap { get; private set; }

    /// <summary>The next request of a list.</summary>
    public BlockRequest? Next { get; set; }

    /// <summary>Pieces of guest memory not yet moved; refreshed by <see cref="Collect"/>.</summary>
    public MemoryPart* Parts => (MemoryPart*)Marshal.UnsafeAddrOfPinnedArrayElement(_parts, 0);

    /// <summary>
    /// Reads and checks what <see cref="Chain"/> holds. False: there is no status byte to answer with, and the driver broke the protocol. True with a
    /// <paramref name="refusal"/>: answer that and do nothing.
    /// </summary>
    public bool TryRead(long capacityBytes, bool readOnly, out BlockStatus refusal)
    {
        (Done, Length, Offset, Unmap) = (0, 0, 0, false);
        refusal = BlockStatus.IoError;
        if (Chain.WritableBytes == 0 || !Chain.TryRead(0, out Header header))
            return false;
        Operation = (BlockOperation)header.Type;
        switch (Operation)
        {
            case BlockOperation.In:
                refusal = TryPlace(header.Sector, Chain.WritableBytes - 1, capacityBytes) ? BlockStatus.Ok : BlockStatus.IoError;
                return true;
            case BlockOperation.Out:
                refusal = !readOnly && TryPlace(header.Sector, Chain.ReadableBytes - (ulong)sizeof(Header), capacityBytes)
                    ? BlockStatus.Ok : BlockStatus.IoError;
                return true;
            case BlockOperation.Flush or BlockOperation.GetId:
                refusal = BlockStatus.Ok;
                return true;
            case BlockOperation.Discard or BlockOperation.WriteZeroes when !readOnly:
                refusal = TryReadRange(capacityBytes);
                return true;
            default:
                refusal = readOnly && Operation is BlockOperation.Discard or BlockOperation.WriteZeroes ? BlockStatus.IoError : BlockStatus.Unsupported;
                return true;
        }
    }

    /// <summary>Collects the pieces of data from <see cref="Done"/> on, at most <paramref name="most"/> bytes, and returns how many there are.</summary>
    public int Collect(long most = long.MaxValue)
    {
        ulong left = (ulong)Math.Min(Length - Done, most);
        return Operation == BlockOperation.In
            ? Chain.Writable((ulong)Done, left, Parts, _parts.Length)
            : Chain.Readable((ulong)Done + (ulong)sizeof(Header), left, Parts, _parts.Length);
    }

    private bool TryPlace(ulong sector, ulong bytes, long capacityBytes)
    {
        ulong capacity = (ulong)capacityBytes / SectorSize;
        // No addition and no multiplication before the comparison: either could wrap.
        if (bytes % SectorSize != 0 || sector > capacity || bytes / SectorSize > capacity - sector)
            return false;
        (Offset, Length) = ((long)sector * SectorSize, (long)bytes);
        return true;
    }

    private BlockStatus TryReadRange(long capacityBytes)
    {
        // One range a request: the configuration says so.
        if (Chain.ReadableBytes != (ulong)(sizeof(Header) + sizeof(Range)) || !Chain.TryRead((ulong)sizeof(Header), out Range range))
            return BlockStatus.Unsupported;
        if ((range.Flags & ~1u) != 0 || (Operation == BlockOperation.Discard && range.Flags != 0))
            return BlockStatus.Unsupported;
        Unmap = Operation == BlockOperation.Discard || (range.Flags & 1) != 0;
        return TryPlace(range.Sector, range.Sectors * (ulong)SectorSize, capacityBytes) ? BlockStatus.Ok : BlockStatus.IoError;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        internal uint Type, Reserved;
        internal ulong Sector;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Range
    {
        internal ulong Sector;
        internal uint Sectors, Flags;
    }
}
