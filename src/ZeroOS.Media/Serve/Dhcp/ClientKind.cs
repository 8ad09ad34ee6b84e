namespace ZeroOS.Media.Serve.Dhcp;

/// <summary>What asks to be booted, by what it says of itself (RFC 4578, 2.1; RFC 3004 for iPXE).</summary>
internal enum ClientKind
{
    /// <summary>A processor or firmware for which there is no ZeroOS (32-bit UEFI, Arm).</summary>
    Unknown,

    /// <summary>A BIOS network card: loads a boot loader by TFTP.</summary>
    BiosPxe,

    /// <summary>UEFI on x86-64: loads the EFI file by TFTP.</summary>
    UefiPxe,

    /// <summary>UEFI on x86-64: loads the EFI file by HTTP.</summary>
    UefiHttp,

    /// <summary>iPXE under BIOS, as a card's ROM or loaded before: reads a script by HTTP.</summary>
    Ipxe,

    /// <summary>iPXE under UEFI.</summary>
    IpxeUefi,
}

/// <summary>Kinds in words.</summary>
internal static class ClientKinds
{
    /// <summary>As people and logs call it.</summary>
    public static string Text(this ClientKind kind) => kind switch
    {
        ClientKind.BiosPxe => "BIOS PXE",
        ClientKind.UefiPxe => "UEFI PXE",
        ClientKind.UefiHttp => "UEFI HTTP",
        ClientKind.Ipxe => "iPXE BIOS",
        ClientKind.IpxeUefi => "iPXE UEFI",
        _ => "unknown",
    };
}
