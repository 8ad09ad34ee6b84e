using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Store;
using ZeroOS.Host.Network;
using ZeroOS.Host.Storage;

namespace ZeroOS.Node.Update;

/// <summary>The health of a real node: as well as before, and it answers on its own bus. Nothing counts that a tenant or a stranger can make true.</summary>
internal sealed class NodeHealth(EngineStore store, NodeStorage storage, Uplink uplink, Func<(KeyId Id, int Port, IdentityKey Asker)> self)
{
    private readonly OwnQuestion _question = new(cancellation => AskAsync(self(), cancellation), TimeProvider.System);

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
        HealthFinding machines = MachineHealth.Examine(store, expect.Machines);
        return machines.IsWell ? await _question.AskAsync(self().Id.Text, cancellation).ConfigureAwait(false) : machines;
    }

    private static async Task<string> AskAsync((KeyId Id, int Port, IdentityKey Asker) self, CancellationToken cancellation)
    {
        using HttpTransport transport = new("127.0.0.1", self.Port, OwnQuestion.Patience);
        NodeInfo info = await BusClient.WhoIsThereAsync(self.Asker, transport, TimeProvider.System, cancellation).ConfigureAwait(false);
        return info.Id;
    }
}
