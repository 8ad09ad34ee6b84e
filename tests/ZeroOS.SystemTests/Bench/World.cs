using System.Globalization;

using Xunit.Abstractions;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// A farm with one node, as its people see it: an owner with a key, a registry with images made from Debian's packages, farm settings, a node in QEMU.
/// The registry is reached by the node through a <see cref="Middleman"/>.
/// </summary>
internal sealed class World : IAsyncDisposable
{
    private readonly List<string> _nodeOptions = [];
    private Lan? _lan;

    private World(string name, string folder, Registry registry)
    {
        (Name, Folder, Registry, Network) = (name, folder, registry, new Middleman(registry.Port));
        Owner = new Zos(Path.Combine(folder, "owner"));
    }

    /// <summary>Names the node and the folders.</summary>
    public string Name { get; }

    /// <summary>Scratch files.</summary>
    public string Folder { get; }

    /// <summary>The registry.</summary>
    public Registry Registry { get; }

    /// <summary>Between node and registry.</summary>
    public Middleman Network { get; }

    /// <summary>The farmer.</summary>
    public Zos Owner { get; }

    /// <summary>The farmer's key id.</summary>
    public string OwnerKey { get; private set; } = "";

    /// <summary>The farm's recovery key, as it was printed.</summary>
    public string RecoveryKey { get; private set; } = "";

    /// <summary>The node, once booted.</summary>
    public QemuNode Node { get; private set; } = null!;

    /// <summary>The node's key id, once booted.</summary>
    public string NodeKey { get; private set; } = "";

    /// <summary>Ports of this computer that lead to the node's: bus (8051) and what tests publish.</summary>
    public IReadOnlyDictionary<int, int> Ports { get; private set; } = new Dictionary<int, int>();

    /// <summary>Where the node's bus is for the workstation.</summary>
    public string BusAddress => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Ports[8051]}");

    /// <summary>Makes the farm; no node runs yet.</summary>
    public static async Task<World> Make(string name, params int[] nodePorts)
    {
        string folder = Checkout.Scratch(name);
        int[] ports = [8051, .. nodePorts];
        World world = new(name, folder, await Registry.Start(Path.Combine(folder, "registry")))
        {
            Ports = ports.Zip(Bench.Ports.Free(ports.Length)).ToDictionary(p => p.First, p => p.Second),
        };
        world.OwnerKey = await world.Owner.NewKey();
        world.RecoveryKey = await world.Owner.Ok("farm", "new", "--owner", world.OwnerKey, "--name", name, "--registry",
            string.Create(CultureInfo.InvariantCulture, $"demo=http://10.0.2.2:{world.Network.Port},plain"), "-o", world.FarmFile);
        foreach ((int inside, int outside) in world.Ports)
            world._nodeOptions.AddRange(["--forward", string.Create(CultureInfo.InvariantCulture, $"{outside}:{inside}")]);
        return world;
    }

    /// <summary>The farm settings.</summary>
    public string FarmFile => Path.Combine(Folder, "farm.cred");

    /// <summary>Makes an example image, builds its flist and pushes it as demo/NAME:1.</summary>
    public async Task Publish(string image)
    {
        string oci = Path.Combine(Folder, image), flist = oci + ".flist";
        (await Command.Run(Checkout.Path("scripts", "example-image"), [image, oci], TimeSpan.FromMinutes(5))).Ok();
        (await Owner.Run(TimeSpan.FromMinutes(5), "flist", "build", $"oci:{oci}:1", "-o", flist)).Ok();
        (await Owner.Run(TimeSpan.FromMinutes(5), "flist", "push", flist, $"demo/{image}:1", "--registry", $"demo={Registry.Here}")).Ok();
    }

    /// <summary>Puts the node, before it boots, on a network of its own instead of QEMU's; people and registry reach it and are reached as before.</summary>
    public void Join(Lan lan)
    {
        _lan = lan;
        _nodeOptions.AddRange(["--netdev", lan.Card()]);
        lan.Serve(Network.Port);
        foreach ((int inside, int outside) in Ports)
            lan.Lead(outside, inside);
    }

    /// <summary>Switches the node on and waits for nothing.</summary>
    public QemuNode Start(bool fresh = true, params string[] options) =>
        Node = QemuNode.Start(Name, fresh, _lan?.Space, ["--farm", FarmFile, .. _nodeOptions, .. options]);

    /// <summary>Boots the node and waits for its id; a second boot keeps the disk and must keep the id.</summary>
    public async Task Boot(bool fresh = true, params string[] options)
    {
        Start(fresh, options);
        string id = await Node.Says("zeroos: node id: ([1-9A-HJ-NP-Za-km-z]{40,44})", TimeSpan.FromSeconds(120));
        Assert.True(NodeKey.Length == 0 || fresh || NodeKey == id, $"the node came back as {id}, not as {NodeKey}");
        NodeKey = id;
        await Node.Says("zeroos: ready", TimeSpan.FromSeconds(120));
    }

    /// <summary>
    /// Boots a node that says nothing on its serial line (an image from a medium has no serial console), asks on the bus until it answers with its id, and pins
    /// it. Returns what the owner sees once it is ready.
    /// </summary>
    public async Task<NodeStatus> BootUnseen(bool fresh = true, TimeSpan? deadline = null, params string[] options)
    {
        string id = (await StartUnseen(fresh, deadline ?? TimeSpan.FromSeconds(180), options)).Id;
        Assert.True(NodeKey.Length == 0 || fresh || NodeKey == id, $"the node came back as {id}, not as {NodeKey}");
        if (NodeKey != id)
        {
            NodeKey = id;
            await Pin(Owner);
        }
        return await Eventually.Get("the node to be ready", TimeSpan.FromSeconds(60),
            async () => await Status.Node(Owner) is { Stage: "ready" } status ? status : null);
    }

    /// <summary>Boots the node again, which comes back locked; what it says of itself.</summary>
    public async Task<NodeInfo> BootLocked(params string[] options)
    {
        NodeInfo info = await StartUnseen(fresh: false, TimeSpan.FromSeconds(180), options);
        Assert.True(info.Locked is not null, $"{info.Id} is not locked but {info.Tier}");
        Assert.Equal(("locked", NodeKey), (info.Tier, info.Locked.NodeId));
        Assert.NotEqual(NodeKey, info.Id);
        return info;
    }

    /// <summary>Switches the node on and waits for its first answer, through further starts if it ends before.</summary>
    private async Task<NodeInfo> StartUnseen(bool fresh, TimeSpan deadline, string[] options) =>
        (await QemuNode.StartUnseen(again => Start(fresh && !again, options), _ => Answer(deadline))).Answer;

    /// <summary>Asks on the bus until somebody answers; their id.</summary>
    public async Task<string> WhoIsThere(TimeSpan deadline) => (await Answer(deadline)).Id;

    /// <summary>
    /// Asks on a port of this computer until a node answers; its id. <paramref name="check"/> throws a <see cref="NodeEndedException"/> when there is no hope.
    /// </summary>
    public static async Task<string> WhoIsThere(int port, TimeSpan deadline, Action check) => (await Answer(port, deadline, check)).Id;

    /// <summary>Asks on the bus until somebody answers; what they say of themselves.</summary>
    private Task<NodeInfo> Answer(TimeSpan deadline) => Answer(Ports[8051], deadline, () =>
    {
        if (!Node.Alive)
            throw new NodeEndedException($"{Name} ended before it answered; its last words:\n{Node.Tail()}");
    });

    private static async Task<NodeInfo> Answer(int port, TimeSpan deadline, Action check)
    {
        using IdentityKey anybody = IdentityKey.Generate();
        return await Eventually.Get($"an answer on the bus at port {port}", deadline, async () =>
        {
            check();
            using HttpTransport wire = new("127.0.0.1", port, TimeSpan.FromSeconds(2));
            using CancellationTokenSource timer = new(TimeSpan.FromSeconds(5));
            return await BusClient.WhoIsThereAsync(anybody, wire, TimeProvider.System, timer.Token);
        });
    }

    /// <summary>The owner pins the node and grants a person (the owner if none is given) room on it.</summary>
    public async Task Pin(Zos person)
    {
        CommandResult added = await Eventually.Get("pinning the node", TimeSpan.FromSeconds(60), async () =>
        {
            CommandResult result = await person.Run(TimeSpan.FromSeconds(20), "node", "add", Name, $"{NodeKey}@{BusAddress}", "--timeout", "15");
            return result.ExitCode == 0 ? result : throw new InvalidOperationException(result.Error);
        });
        added.Ok();
    }

    /// <summary>Grants room on the node.</summary>
    public Task<string> Grant(string key, string ports, string storage = "6GiB") =>
        Owner.Ok("grant", "put", key, "--machines", "5", "--cpu", "4", "--memory", "1GiB", "--storage", storage, "--ports", ports, "--days", "90");

    /// <summary>Stops everything; what the node said on its serial line stays in its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Node is not null)
            await Node.DisposeAsync();
        Network.Dispose();
        Registry.Dispose();
    }

    /// <summary>Writes a figure into the test's output and the results folder.</summary>
    public static void Figure(ITestOutputHelper output, string name, double value, string unit)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"{name}: {value:0.00} {unit}");
        output.WriteLine(line);
        Directory.CreateDirectory(Checkout.Path("out", "test-results"));
        File.AppendAllText(Checkout.Path("out", "test-results", "figures"), line + "\n");
    }
}
