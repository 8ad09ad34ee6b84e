namespace ZeroOS.Contracts.Bus;

/// <summary>Where a node listens for messages.</summary>
public static class BusPort
{
    /// <summary>The TCP port of every node: the firewall opens it, no machine may publish on it, and an address without a port means it.</summary>
    public const int Tcp = 8051;
}
