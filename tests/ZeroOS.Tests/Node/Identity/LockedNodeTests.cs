using System.Security.Cryptography;
using System.Text;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Node;
using ZeroOS.Node.Bus;
using ZeroOS.Node.Identity;
using ZeroOS.Tests.Cli;
using ZeroOS.Tests.Node.Doors;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Identity;

/// <summary>A locked node on its real bus, and zos as the farmer with the printed recovery key runs it.</summary>
[Collection("zos")]
public sealed class LockedNodeTests : IAsyncLifetime
{
    private readonly IdentityBench _bench = new();
    private readonly HeldPort _port = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("zos-recover-").FullName;
    private KeyId _own = null!;
    private NodeIdentity _locked = null!;
    private NodeBus? _bus;
    private InProcessDoor? _door;
    private volatile Task _restart = Task.CompletedTask;

    private string Address => $"{_own}@127.0.0.1:{_port.Number}";

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        try
        {
            await _restart;
        }
        finally
        {
            await CloseBusAsync();
            _port.Dispose();
            _bench.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
    }

    [SkippableFact]
    public async Task Farmer_with_the_recovery_key_gets_the_node_back()
    {
        await LockAsync();
        (int code, string output, string error) = await ZosAsync("node", "recover", Address, "--recovery-key", KeyFile(_bench.RecoverySeed),
            "--temporary-id", _locked.Key.Id.Text);
        Assert.True(code == 0, error);
        Assert.Contains($"is {_own} again, tier sealed", output, StringComparison.Ordinal);
        Assert.Equal(1, _bench.Log.Count(l => l.StartsWith("event=identity-recovered", StringComparison.Ordinal)));
    }

    [SkippableFact]
    public async Task Wrong_keys_and_wrong_ids_get_nothing()
    {
        await LockAsync();
        byte[] other = RandomNumberGenerator.GetBytes(32);
        Assert.Contains("(denied)", await FailsAsync("--recovery-key", KeyFile(other), "--temporary-id", _locked.Key.Id.Text), StringComparison.Ordinal);
        Assert.Contains("not a recovery key", await FailsAsync("--recovery-key", KeyFile("no key"), "--temporary-id", _locked.Key.Id.Text),
            StringComparison.Ordinal);
        Assert.Contains($"--temporary-id {_locked.Key.Id}", await FailsAsync("--recovery-key", KeyFile(_bench.RecoverySeed)), StringComparison.Ordinal);
        using IdentityKey stranger = IdentityKey.Generate();
        Assert.Contains($"is {_locked.Key.Id}, not {stranger.Id}",
            await FailsAsync("--recovery-key", KeyFile(_bench.RecoverySeed), "--temporary-id", stranger.Id.Text), StringComparison.Ordinal);
        (_, _, string elsewhere) = await ZosAsync("node", "recover", $"{stranger.Id}@127.0.0.1:{_port.Number}", "--recovery-key", KeyFile(_bench.RecoverySeed),
            "--temporary-id", _locked.Key.Id.Text);
        Assert.Contains("nothing was sent", elsewhere, StringComparison.Ordinal);
        Assert.NotNull(_bench.Restarted().Open().Locked);
    }

    [SkippableFact]
    public async Task Everybody_hears_that_it_is_locked_and_why()
    {
        await LockAsync();
        await ZosAsync("key", "new");
        (int code, _, string error) = await ZosAsync("node", "status", Address);
        Assert.Equal(1, code);
        Assert.Contains("the node is locked", error, StringComparison.Ordinal);
        Assert.Contains("sealed by another TPM", error, StringComparison.Ordinal);
        (_, string info, _) = await ZosAsync("node", "info", $"{_locked.Key.Id}@127.0.0.1:{_port.Number}");
        Assert.Contains($"locked    {_own}: the identity was sealed by another TPM", info, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Owner_may_restart_it_and_nothing_else_and_the_recovery_key_may_only_recover()
    {
        await LockAsync();
        using HttpTransport transport = new("127.0.0.1", _port.Number, TimeSpan.FromSeconds(10));
        BusClient owner = new(_bench.Owner, _locked.Key.Id, transport, TimeProvider.System);
        await owner.CallAsync(Commands.NodeReboot, CancellationToken.None);
        BusErrorException refused = await Assert.ThrowsAsync<BusErrorException>(() => owner.CallAsync(Commands.NodeStatus, CancellationToken.None));
        Assert.Equal(ErrorCodes.Unavailable, refused.Error.Code);
        Assert.Contains("zos node recover", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<BusErrorException>(() => owner.CallAsync(Commands.NodeRecover, new NodeRecover(), CancellationToken.None));
        Assert.Equal(ErrorCodes.Denied, refused.Error.Code);
        using IdentityKey recovery = IdentityKey.FromSeed(_bench.RecoverySeed);
        BusClient holder = new(recovery, _locked.Key.Id, transport, TimeProvider.System);
        refused = await Assert.ThrowsAsync<BusErrorException>(() => holder.CallAsync(Commands.NodeReboot, CancellationToken.None));
        Assert.Equal(ErrorCodes.Denied, refused.Error.Code);
    }

    [SkippableFact]
    public async Task Recorded_recovery_is_refused_when_it_is_sent_again()
    {
        await LockAsync();
        using IdentityKey recovery = IdentityKey.FromSeed(_bench.RecoverySeed);
        using HttpTransport transport = new("127.0.0.1", _port.Number, TimeSpan.FromSeconds(10));
        RecordingTransport wire = new(transport);
        BusClient client = new(recovery, _locked.Key.Id, wire, TimeProvider.System);
        await client.CallAsync(Commands.NodeRecover, new NodeRecover(), CancellationToken.None);
        string again = "";
        await foreach (ReadOnlyMemory<byte> line in transport.SendAsync(wire.Last, CancellationToken.None))
            again = Encoding.UTF8.GetString(line.Span);
        using System.Text.Json.JsonDocument envelope = System.Text.Json.JsonDocument.Parse(again);
        Assert.Contains("\"replayed\"", Encoding.UTF8.GetString(envelope.RootElement.GetProperty("payload").GetBytesFromBase64()), StringComparison.Ordinal);

        // After another start it is not even for this node any more.
        await StartBusAsync(_bench.Restarted());
        await foreach (ReadOnlyMemory<byte> line in transport.SendAsync(wire.Last, CancellationToken.None))
            again = Encoding.UTF8.GetString(line.Span);
        using System.Text.Json.JsonDocument later = System.Text.Json.JsonDocument.Parse(again);
        Assert.Contains("\"wrong-recipient\"", Encoding.UTF8.GetString(later.RootElement.GetProperty("payload").GetBytesFromBase64()),
            StringComparison.Ordinal);
    }

    /// <summary>Sealed by one TPM, started with another.</summary>
    private async Task LockAsync()
    {
        _bench.NewTpm();
        _own = _bench.Boot("image 1", fresh: true).Key.Id;
        _bench.NewTpm();
        await StartBusAsync(_bench.Keeper("image 1"));
    }

    /// <summary>What role node does when its identity is locked; a recovery starts it again under its own key.</summary>
    private async Task StartBusAsync(IdentityKeeper keeper)
    {
        await CloseBusAsync();
        _locked = keeper.Open();
        LockedNode node = new(keeper, _bench.Farm, new LineLog(_bench.Log.Add));
        IAuthority authority = _locked.Locked is null ? new Nobody() : node;
        _bus = new NodeBus(_locked.Key, authority, new MemoryReplayStore(), () => new NodeDescription("0.1.0", "unknown", _locked.Tier, []),
            LineLog.Quiet, _locked.Locked);
        if (_locked.Locked is null)
            _bus.Routes.Add(Commands.NodeInfo, Roles.Anyone, _bus.Describe);
        else
            NodeCommands.AddLocked(_bus.Routes, _bus.Describe, node, new PowerHandlers(() => { }, () => { }));
        node.Recovered += () => _restart = Task.Run(() => StartBusAsync(_bench.Restarted()));
        _door = await InProcessDoor.OpenAsync(_bus.Attach, _port.Number);
    }

    private async Task CloseBusAsync()
    {
        if (_door is not null)
            await _door.DisposeAsync();
        _bus?.Dispose();
    }

    private async Task<string> FailsAsync(params string[] options)
    {
        (int code, _, string error) = await ZosAsync(["node", "recover", Address, .. options]);
        Assert.NotEqual(0, code);
        return error;
    }

    private Task<ZosRun> ZosAsync(params string[] args) => ZosRun.OfAsync(_folder, args);

    private string KeyFile(byte[] seed) => KeyFile(Base58.Encode(seed));

    private string KeyFile(string text)
    {
        string path = Path.Combine(_folder, "recovery");
        File.WriteAllText(path, text + "\n");
        return path;
    }

    private sealed class Nobody : IAuthority
    {
        public IEnumerable<KeyValuePair<string, Roles>> Known => [];

        public event Action? Changed
        {
            add { }
            remove { }
        }

        public Roles RolesOf(string keyId) => Roles.None;
    }

    private sealed class RecordingTransport(IBusTransport inner) : IBusTransport
    {
        public ReadOnlyMemory<byte> Last { get; private set; }

        public IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, CancellationToken cancellation)
        {
            Last = envelope;
            return inner.SendAsync(envelope, cancellation);
        }
    }
}
