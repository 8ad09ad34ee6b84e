using ZeroOS.Contracts.Guest;

namespace ZeroOS.Guest.Node;

/// <summary>What the node asks for while a workload runs. Calls come on the receiving thread.</summary>
internal interface INodeOrders
{
    /// <summary>End the workload.</summary>
    void Stop(GuestStop stop);

    /// <summary>Send it a signal.</summary>
    void Signal(int number);

    /// <summary>A disk has grown, grow its file system.</summary>
    void GrowDisk(string serial);

    /// <summary>Make a session: dial, and begin with the machine's secret and the order's token. Returns at once.</summary>
    void Dial(GuestSession order, byte[] secret);

    /// <summary>What the workload uses now.</summary>
    GuestUse Use();
}
