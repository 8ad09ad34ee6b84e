namespace ZeroOS.Vmm.Virtio;

/// <summary>What the driver's writes to the status register ask of the event loop.</summary>
internal enum DeviceCommand
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>DRIVER_OK was set.</summary>
    Activate,

    /// <summary>0 was written.</summary>
    Reset,
}
