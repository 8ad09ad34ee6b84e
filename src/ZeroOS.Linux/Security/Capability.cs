namespace ZeroOS.Linux;

/// <summary>Capabilities by their kernel numbers (capabilities(7)); the ones some role of this system keeps.</summary>
public enum Capability
{
    NetBindService = 10, NetAdmin = 12, NetRaw = 13, SysAdmin = 21, SysTime = 25,
}
