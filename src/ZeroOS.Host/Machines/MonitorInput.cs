using System.Text.Json;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;

namespace ZeroOS.Host.Machines;

/// <summary>What came from a monitor in one read of its control socket.</summary>
internal enum MonitorSaid
{
    /// <summary>There is nothing now.</summary>
    Nothing,

    /// <summary>It hung up.</summary>
    Gone,

    /// <summary>Something the protocol does not know: its guest has taken it over.</summary>
    Nonsense,

    /// <summary>A message without a descriptor.</summary>
    Message,

    /// <summary>The guest connected to zguest's port.</summary>
    Connection,

    /// <summary>The guest connected to the port for sessions.</summary>
    Session,

    /// <summary>The guest connected to a port nobody serves; the connection is closed already.</summary>
    Refused,
}

/// <summary>One message of a monitor, which is hostile: its JSON is parsed strictly, and a descriptor beside it is of the right kind or closed.</summary>
internal readonly record struct MonitorInput(MonitorSaid Said, MonitorMessage? Message = null, StreamSocket? Socket = null)
{
    /// <summary>Reads at most one message and never waits. <paramref name="buffer"/> holds <see cref="SeqPacketSocket.MaxMessage"/> bytes.</summary>
    public static MonitorInput Read(SeqPacketSocket control, byte[] buffer)
    {
        Errno errno = control.TryReceive(buffer, out int length, out FileDescriptor[] descriptors, wait: false);
        if (errno == Errno.EAGAIN)
            return new MonitorInput(MonitorSaid.Nothing);
        if (errno == Errno.EMSGSIZE)
            return new MonitorInput(MonitorSaid.Nonsense);
        if (errno != Errno.None || length == 0)
        {
            Array.ForEach(descriptors, d => d.Dispose());
            return new MonitorInput(MonitorSaid.Gone);
        }
        MonitorMessage? message = Parse(buffer.AsSpan(0, length));
        if (message is { Verb: MonitorVerb.VsockAccepted } && descriptors.Length == 1)
            return Dialled(message, descriptors[0]);
        Array.ForEach(descriptors, d => d.Dispose());
        return message is { Verb: MonitorVerb.State or MonitorVerb.Statistics } && descriptors.Length == 0
            ? new MonitorInput(MonitorSaid.Message, message)
            : new MonitorInput(MonitorSaid.Nonsense);
    }

    private static MonitorInput Dialled(MonitorMessage message, FileDescriptor descriptor)
    {
        // The monitor holds files, disks and taps as well: what it hands over is what it says, or the monitor is no longer ours.
        if (StreamSocket.TryAdopt(descriptor) is not { } socket)
            return new MonitorInput(MonitorSaid.Nonsense);
        if (message.Port is GuestProtocol.Port or GuestProtocol.SessionPort)
            return new MonitorInput(message.Port == GuestProtocol.Port ? MonitorSaid.Connection : MonitorSaid.Session, message, socket);
        socket.Dispose();
        return new MonitorInput(MonitorSaid.Refused);
    }

    private static MonitorMessage? Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, MonitorJson.Default.MonitorMessage);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
