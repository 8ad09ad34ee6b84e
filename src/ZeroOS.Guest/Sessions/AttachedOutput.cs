using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Output;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// The way of the workload's output from the ring to one client, in the order in which it was written, as fast as the client takes it. Nothing waits here: a
/// client that is too slow loses its place in the ring. Not thread-safe.
/// </summary>
internal sealed class AttachedOutput(SessionLink link, SessionOrders orders, OutputReader reader)
{
    private readonly byte[] _bytes = new byte[SessionLimits.BodyBytes];

    /// <summary>Sends one piece; false when there is none, or the client has no room for it.</summary>
    internal bool Pass()
    {
        int room = Math.Max(Room(SessionOrders.OutputChannel), Room(ExecOrders.ErrorsChannel));
        if (room == 0 || reader.Look(_bytes.AsSpan(0, room), out OutputStream stream) is not (> 0 and int count))
            return false;
        uint channel = stream == OutputStream.StandardError ? ExecOrders.ErrorsChannel : SessionOrders.OutputChannel;
        count = Math.Min(count, Room(channel));
        // Before it is sent, which may take its time: it is no longer the ring's.
        reader.Taken(count);
        if (count > 0 && !orders.HasClosed(channel))
            link.Send(channel, SessionFrameType.Data, _bytes.AsSpan(0, count));
        return count > 0;
    }

    // What the client has closed is read and forgotten.
    private int Room(uint channel) => orders.HasClosed(channel) ? _bytes.Length : link.MaySend(channel);
}
