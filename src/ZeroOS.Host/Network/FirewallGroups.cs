namespace ZeroOS.Host.Network;

/// <summary>Groups whose processes the root's firewall knows by number.</summary>
/// <param name="Fetch">Speaks to registries.</param>
/// <param name="Door">Answers strangers on the bus's port.</param>
public sealed record FirewallGroups(uint Fetch, uint Door);
