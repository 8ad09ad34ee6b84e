using System.Diagnostics;
using System.Net;
using System.Text.Json;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// A farmer's network for computers that boot from it: dnsmasq, in a namespace of its own, as the DHCP server that gives addresses and nothing else, zos image
/// serve beside it, and a cable to this computer.
/// </summary>
internal sealed class BootLan : BridgedNetwork
{
    private const string OurCable = "zosboot0", Prefix = "192.168.213";
    private static readonly IPAddress s_server = IPAddress.Parse($"{Prefix}.1"), s_farmer = IPAddress.Parse($"{Prefix}.2"),
        s_ours = IPAddress.Parse($"{Prefix}.3");

    private readonly string _folder;
    private readonly List<Machine> _machines = [];
    private Task _serveOutput = Task.CompletedTask;

    /// <summary>Makes the network with its DHCP server, which writes into the folder.</summary>
    public BootLan(string folder) : base(s_server)
    {
        _folder = folder;
        NetworkNamespace here = Keep(NetworkNamespace.Current()), farmer = Keep(NetworkNamespace.Create("farmer"));
        if (here.Route.FindLink(OurCable) is { } left)
            here.Route.DeleteLink(left.Index); // of a run that was killed
        Cable("here", here, OurCable, s_ours);
        Cable("dhcp", farmer, "eth0", s_farmer);
        ServeDhcp(farmer, "eth0", folder, $"--dhcp-range={Prefix}.100,{Prefix}.150,1h");
    }

    /// <summary>Why it cannot be made here, or null.</summary>
    public static new string? Missing => BridgedNetwork.Missing
        ?? (!File.Exists("/usr/share/OVMF/OVMF_CODE_4M.fd") ? "ovmf is not installed"
        : !File.Exists("/usr/lib/ipxe/qemu/pxe-virtio.rom") ? "ipxe-qemu is not installed" : null);

    private string Leases => Path.Combine(_folder, "dnsmasq.leases");

    private string ServeLog => Path.Combine(_folder, "serve.jsonl");

    /// <summary>Starts zos image serve and waits until it serves.</summary>
    public async Task Serve(params string[] options)
    {
        Process serve = Start(Space, new ProcessStartInfo(Checkout.Path("out", "programs", "zos"),
            ["image", "serve", "--interface", Bridge, "--json", .. options])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        });
        _serveOutput = Copy(serve.StandardOutput, ServeLog);
        await Eventually.Get("zos image serve", TimeSpan.FromSeconds(20), () => Task.FromResult(Events("serving").FirstOrDefault()));
    }

    /// <summary>Switches a computer on: it has nothing to boot from but its network card.</summary>
    public void Boot(string name, params string[] options)
    {
        string[] all = ["--netdev", Card(), .. options];
        _machines.Add(new Machine(again => QemuNode.Start(name, fresh: !again, Space, all)));
    }

    /// <summary>What the server said happened: objects of that event, of a computer of that kind if one is given.</summary>
    public IEnumerable<BootEvent> Events(string what, string? kind = null)
    {
        if (!File.Exists(ServeLog))
            yield break;
        using FileStream stream = new(ServeLog, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using StreamReader reader = new(stream);
        foreach (string line in reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l.EndsWith('}')))
        {
            using JsonDocument e = JsonDocument.Parse(line);
            string? Text(string name) => e.RootElement.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
            if (Text("event") == what && (kind is null || Text("kind") == kind))
                yield return new BootEvent(Text("computer") ?? "", Text("file") ?? "",
                    e.RootElement.TryGetProperty("bytesPerSecond", out JsonElement rate) ? rate.GetInt64() : 0);
        }
    }

    /// <summary>Waits until something happened to a machine of that kind.</summary>
    public Task<BootEvent> Saw(string what, string kind, TimeSpan deadline, string? file = null) =>
        Eventually.Get($"\"{what}\" {file} of {kind}", deadline, () =>
    {
        _machines.ForEach(m => m.KeepOn(Said));
        return Task.FromResult(Events(what, kind).FirstOrDefault(e => file is null || e.File == file));
    });

    /// <summary>Waits until the node on that card answers on its bus; returns "ID@ADDRESS".</summary>
    public Task<string> Answers(string card, TimeSpan deadline) => Eventually.Get($"an answer on the bus of {card}", deadline, async () =>
    {
        _machines.ForEach(m => m.KeepOn(Said));
        using IdentityKey anybody = IdentityKey.Generate();
        foreach (string address in File.ReadLines(Leases).Select(l => l.Split(' ')).Where(w => w.Length > 2 && w[1] == card).Select(w => w[2]))
        {
            using HttpTransport wire = new(address, 8051, TimeSpan.FromSeconds(2));
            using CancellationTokenSource timer = new(TimeSpan.FromSeconds(5));
            try
            {
                NodeInfo info = await BusClient.WhoIsThereAsync(anybody, wire, TimeProvider.System, timer.Token);
                return $"{info.Id}@{address}";
            }
            catch (Exception e) when (e is BusTransportException or OperationCanceledException or TimeoutException)
            {
                // The firmware had another address than the system has: the next one.
            }
        }
        return null;
    });

    /// <summary>Everything the server said.</summary>
    public string Said() => File.Exists(ServeLog) ? File.ReadAllText(ServeLog) : "nothing";

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        foreach (Machine machine in _machines)
            await machine.Node.DisposeAsync();
        await base.DisposeAsync();
        await _serveOutput;
    }

    private static async Task Copy(StreamReader from, string to)
    {
        await using StreamWriter log = new(new FileStream(to, FileMode.Create, FileAccess.Write, FileShare.Read)) { AutoFlush = true };
        while (await from.ReadLineAsync() is string line)
            await log.WriteLineAsync(line);
    }

    /// <summary>A computer that is switched on again when it ends: see <see cref="QemuNode.StartUnseen"/>.</summary>
    private sealed class Machine(Func<bool, QemuNode> start)
    {
        private int _restarts;

        public QemuNode Node { get; private set; } = start(false);

        public void KeepOn(Func<string> saw)
        {
            if (Node.Alive)
                return;
            if (_restarts++ == QemuNode.Restarts)
                throw new NodeEndedException($"{Node.Name} ended; the server saw:\n{saw()}");
            Node.NoteRestart();
            Node = start(true);
        }
    }
}

/// <summary>One thing the boot server said.</summary>
/// <param name="Machine">The card.</param>
/// <param name="File">The file.</param>
/// <param name="BytesPerSecond">How fast.</param>
internal sealed record BootEvent(string Machine, string File, long BytesPerSecond);
