using System.Globalization;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Store;
using ZeroOS.Host.Network;
using ZeroOS.Host.Storage;
using ZeroOS.Workloads;

namespace ZeroOS.Node.Update;

/// <summary>The health of a real node: as well as before, and it answers on its own bus.</summary>
internal sealed class NodeHealth(EngineStore store, NodeStorage storage, Uplink uplink, Func<(KeyId Id, int Port, IdentityKey Asker)> self)
{
    private static readonly TimeSpan s_answerWithin = TimeSpan.FromSeconds(5);

    /// <summary>What is well now.</summary>
    public HealthExpectation Expect() => new()
    {
        Storage = storage.Persistent,
        Network = [.. uplink.Current.Conditions.Where(c => c.Ok).Select(c => c.Name)],
        Machines = store.RunningMachines(),
    };

    /// <summary>Whether everything expected is well, and the bus answers.</summary>
    public async Task<HealthFinding> ExamineAsync(HealthExpectation expect, CancellationToken cancellation)
    {
        if (expect.Storage && !storage.Persistent)
            return new HealthFinding("storage", "the disk that was used before is not");
        UplinkState now = uplink.Current;
        if (now.Conditions.FirstOrDefault(c => !c.Ok && expect.Network.Contains(c.Name)) is { } lost)
            return new HealthFinding("network", $"the network was better before: {lost.Message}");
        if (!now.HasAddress)
            return new HealthFinding("network", "the node has no address");
        foreach (ExpectedMachine machine in expect.Machines)
        {
            if (store.Workload(new WorkloadId(machine.Tenant, machine.Deployment, machine.Name)) is { Removed: false, Stopped: false } row
                && row.State is not (WorkloadState.Running or WorkloadState.Exited))
            {
                // No names: an owner reads this, and what a tenant runs is the tenant's.
                return new HealthFinding("machines", $"a machine that ran before does not: {row.State.ToString().ToLowerInvariant()}{(row.Reason is null ? "" : $", {row.Reason}")}");
            }
        }
        return await AsksItselfAsync(cancellation).ConfigureAwait(false);
    }

    private async Task<HealthFinding> AsksItselfAsync(CancellationToken cancellation)
    {
        (KeyId id, int port, IdentityKey asker) = self();
        using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timer.CancelAfter(s_answerWithin);
        try
        {
            using HttpTransport transport = new("127.0.0.1", port, s_answerWithin);
            NodeInfo info = await BusClient.WhoIsThereAsync(asker, transport, TimeProvider.System, timer.Token).ConfigureAwait(false);
            return info.Id == id.Text ? HealthFinding.Well : new HealthFinding("bus", "somebody else answers on the node's own bus");
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            return new HealthFinding("bus", string.Create(CultureInfo.InvariantCulture, $"the node's own bus does not answer on port {port}: {e.Message}"));
        }
    }
}
