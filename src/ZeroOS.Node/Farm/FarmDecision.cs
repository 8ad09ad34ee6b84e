using ZeroOS.Bus.Farm;

namespace ZeroOS.Node.Farm;

/// <summary>Which farm settings are in force on this start.</summary>
/// <param name="InForce">Those; null: none, and the node refuses everybody.</param>
/// <param name="Trouble">Why there are none, or what was found and is not in force; null when what lies beside the image is in force.</param>
/// <param name="Waiting">A successor that is not in force yet.</param>
/// <param name="Locked">The identity is sealed with other terms than all that can be found: it must not be used.</param>
internal sealed record FarmDecision(VerifiedFarm? InForce, (string Reason, string Message)? Trouble, VerifiedFarm? Waiting = null, bool Locked = false);
