namespace ZeroOS.Vmm.Devices.Block;

/// <summary>The status byte of a request (virtio 1.2, 5.2.6).</summary>
internal enum BlockStatus : byte
{
    /// <summary>Done.</summary>
    Ok = 0,

    /// <summary>Not done.</summary>
    IoError = 1,

    /// <summary>Not something this device does.</summary>
    Unsupported = 2,
}
