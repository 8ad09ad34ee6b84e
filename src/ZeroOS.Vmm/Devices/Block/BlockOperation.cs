namespace ZeroOS.Vmm.Devices.Block;

/// <summary>Request types of virtio-blk (virtio 1.2, 5.2.6).</summary>
internal enum BlockOperation : uint
{
    /// <summary>Read sectors.</summary>
    In = 0,

    /// <summary>Write sectors.</summary>
    Out = 1,

    /// <summary>Make what was written durable.</summary>
    Flush = 4,

    /// <summary>Read the serial number.</summary>
    GetId = 8,

    /// <summary>Give the space back.</summary>
    Discard = 11,

    /// <summary>Write zeros without data.</summary>
    WriteZeroes = 13,
}
