using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Siege;

/// <summary>A real node somewhere else. Whoever booted it watches it; here is only what honest users hear of it.</summary>
internal sealed class BootedNode(SiegeOptions options) : IBesieged
{
    public string What => $"node {options.Node} at {options.Host}";

    public string Host => options.Host!;

    public int Port => BusPort.Tcp;

    public int Network => options.Network;

    public KeyId Id { get; } = KeyId.TryParse(options.Node, out KeyId? id) ? id : throw new FormatException($"{options.Node} is not a key id");

    public IdentityKey Owner { get; } = Key(options, "owner");

    public IdentityKey Tenant { get; } = Key(options, "tenant");

    public IdentityKey HostileTenant { get; } = Key(options, "hostile");

    public Task AskAsTenantAsync(BusClient client, int number, CancellationToken cancellation) => client.CallAsync(Commands.DeploymentList, cancellation);

    public Task WatchAsync(CancellationToken cancellation) => Task.CompletedTask;

    public bool Report() => true;

    public void Dispose()
    {
        Owner.Dispose();
        Tenant.Dispose();
        HostileTenant.Dispose();
    }

    private static IdentityKey Key(SiegeOptions options, string name) =>
        KeyFile.Open(Path.Combine(options.Keys ?? throw new FormatException("a booted node needs --keys"), name, "key"),
            () => throw new FormatException($"the key of {name} has a passphrase"));
}
