namespace ZeroOS.Formats.Dhcp;

/// <summary>Message types of DHCP (RFC 2132, 9.6); None for plain BOOTP.</summary>
public enum DhcpType : byte
{
    None = 0, Discover = 1, Offer = 2, Request = 3, Decline = 4, Ack = 5, Nak = 6, Release = 7, Inform = 8,
}

/// <summary>Options of DHCP that we send or read (RFC 2132; 3004 for the user class, 3442 for routes, 4578 for PXE, 5071 for PXELINUX).</summary>
public enum DhcpOption : byte
{
    Pad = 0, SubnetMask = 1, Router = 3, Resolver = 6, Domain = 15, Mtu = 26, TimeServer = 42, VendorSpecific = 43, RequestedAddress = 50, LeaseTime = 51,
    Overload = 52, Type = 53, ServerId = 54, ParameterRequestList = 55, MaxSize = 57, RenewalTime = 58, RebindingTime = 59, VendorClass = 60, ClientId = 61,
    BootFile = 67, UserClass = 77, Architecture = 93, MachineId = 97, ClasslessRoutes = 121, ConfigurationFile = 209, End = 255,
}
