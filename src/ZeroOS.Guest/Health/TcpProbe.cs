using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Health;

/// <summary>Asks by a TCP connection: that it is taken is the answer.</summary>
internal sealed class TcpProbe(TcpCheck check)
{
    /// <summary>Asks once.</summary>
    internal ProbeOutcome Ask(long untilMs)
    {
        using StreamSocket? socket = LoopbackDial.TryDial((ushort)check.Port, untilMs, out ProbeOutcome refusal);
        return socket is null ? refusal : new ProbeOutcome(0, []);
    }
}
