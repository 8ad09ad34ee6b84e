using ZeroOS.Contracts.Guest;

namespace ZeroOS.Guest.Health;

/// <summary>The ways of asking.</summary>
internal static class Probes
{
    /// <summary>The one that a check wants.</summary>
    internal static Probe For(GuestHealth check, StartProbe start) => check switch
    {
        { Arguments: { Count: > 0 } arguments } => new CommandProbe(arguments, start, new ProbeGroup()).Ask,
        { Http: { } http } => new HttpProbe(http).Ask,
        { Tcp: { } tcp } => new TcpProbe(tcp).Ask,
        _ => _ => ProbeOutcome.Say(ProbeOutcome.NoAnswer, "the check asks nothing"),
    };
}
