using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// The workload's terminal is one of its own devpts, so that it has a name there, and that devpts is made by the child: it keeps the program's side and sends
/// zguest the other, by a socket that is descriptor <see cref="EnterPlan.TerminalDescriptor"/>.
/// </summary>
internal static class TerminalHandover
{
    // Until the first client says how large its own is.
    private static readonly TerminalSize s_size = new(80, 24);

    /// <summary>In the child, inside its root: input, output and errors are a terminal from now on.</summary>
    /// <exception cref="LinuxException">There is none, or zguest is gone.</exception>
    internal static void Give(uint owner)
    {
        using SeqPacketSocket zguest = new(new FileDescriptor(EnterPlan.TerminalDescriptor));
        using RootedDirectory root = new("/");
        using ExecStreams streams = ExecStreams.Terminal(root, s_size, hasInput: false, owner);
        for (int i = 0; i < streams.ProgramEnds.Count; i++)
            StandardDescriptors.Set(i, streams.ProgramEnds[i]);
        Errno errno = zguest.TrySend([0], [streams.Output.Number]);
        if (errno != Errno.None)
            throw new LinuxException(errno, "sendmsg", "the workload's terminal");
    }

    /// <summary>In zguest, when the child is the workload: its end of what the child gave.</summary>
    /// <exception cref="LinuxException">The child gave nothing.</exception>
    internal static ExecStreams Take(SeqPacketSocket child, bool hasInput)
    {
        Errno errno = child.TryReceive(new byte[1], out _, out FileDescriptor[] descriptors, wait: false);
        return descriptors is [FileDescriptor master] ? ExecStreams.OfMaster(master, hasInput)
            : throw new LinuxException(errno, "recvmsg", "the workload's terminal");
    }
}
