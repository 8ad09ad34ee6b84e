using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Linux;

namespace ZeroOS.Node.Sessions;

/// <summary>What sessions need of the node.</summary>
/// <param name="Identity">Signs the answers.</param>
/// <param name="Epoch">Their epoch and time.</param>
/// <param name="Find">
/// Whether the sender may have that session, and the way to its other end; refuses by <see cref="BusErrorException"/>. The way is gone once, after the client's
/// begin, and fails by <see cref="Workloads.WorkloadException"/>.
/// </param>
/// <param name="MayGoOn">Whether a tenant's sessions may go on.</param>
/// <param name="Log">For faults and broken protocols, by whose lines outsiders can be: a limited one.</param>
internal sealed record SessionServices(IdentityKey Identity, EpochClock Epoch,
    Func<RequestContext, SessionOpen, Func<CancellationToken, Task<Stream>>> Find, Func<string, bool> MayGoOn, ILog Log)
{
    /// <summary>The clock of silences and deadlines.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
