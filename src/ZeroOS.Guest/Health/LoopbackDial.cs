using ZeroOS.Linux;

namespace ZeroOS.Guest.Health;

/// <summary>Dials a port of the machine itself, 127.0.0.1 or else ::1.</summary>
internal static class LoopbackDial
{
    /// <summary>The connection, which does not block; null with what became of it instead.</summary>
    internal static StreamSocket? TryDial(ushort port, long untilMs, out ProbeOutcome refusal)
    {
        refusal = new ProbeOutcome(0, []);
        Errno errno = Errno.None;
        foreach (bool six in (ReadOnlySpan<bool>)[false, true])
        {
            FileDescriptor? dialled = TcpConnection.TryDialLoopback(port, six, out errno);
            if (dialled is null)
                continue;
            bool answered = Polling.IsAnswered(dialled, (int)Math.Max(untilMs - Environment.TickCount64, 0));
            errno = TcpConnection.DialOutcome(dialled);
            if (answered && errno == Errno.None)
                return new StreamSocket(dialled);
            dialled.Dispose();
            if (!answered)
            {
                refusal = ProbeOutcome.Say(ProbeOutcome.NoAnswer, $"what listens at port {port} takes no connection");
                return null;
            }
            if (errno != Errno.ECONNREFUSED)
                break;
        }
        refusal = ProbeOutcome.Say(1, errno is Errno.ECONNREFUSED or Errno.EADDRNOTAVAIL or Errno.EAFNOSUPPORT
            ? $"nothing listens at port {port}"
            : $"port {port} cannot be dialled: {errno}");
        return null;
    }
}
