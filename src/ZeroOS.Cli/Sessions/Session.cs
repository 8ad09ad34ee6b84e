using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Cli.Output;
using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Cli.Sessions;

/// <summary>One command line at work: its options, whose key, which node. What it opened is closed with it.</summary>
internal sealed class Session : IDisposable
{
    private const double DefaultTimeoutSeconds = 30;

    private readonly ParseResult _parsed;
    private readonly CancellationToken _interrupt;
    private readonly CancellationTokenSource _ends;
    private IdentityKey? _key;
    private HttpTransport? _transport;

    private Session(ParseResult parsed, Terminal terminal, bool lasting, CancellationToken interrupt)
    {
        (_parsed, Terminal, _interrupt) = (parsed, terminal, interrupt);
        _ends = CancellationTokenSource.CreateLinkedTokenSource(interrupt);
        double? timeout = parsed.GetValue(Globals.Timeout) ?? (lasting ? null : DefaultTimeoutSeconds);
        if (timeout is double seconds)
            _ends.CancelAfter(TimeSpan.FromSeconds(Math.Clamp(seconds, 0.001, 1e6)));
    }

    public Terminal Terminal { get; }

    public ConfigFolder Folder { get; } = ConfigFolder.OfEnvironment();

    public bool Json => _parsed.GetValue(Globals.Json);

    /// <summary>Ends with Ctrl-C and with --timeout.</summary>
    public CancellationToken Cancellation => _ends.Token;

    /// <summary>It was Ctrl-C, or another signal that asks zos to end.</summary>
    public bool Interrupted => _interrupt.IsCancellationRequested;

    /// <summary>The node spoken to, once <see cref="Connect"/> was called.</summary>
    public KnownNode? Node { get; private set; }

    /// <summary>What that node is called here: its name, or its host when it has none.</summary>
    public string NodeName { get; private set; } = "";

    /// <summary>
    /// What a command does, wrapped: a time-out is said as one. <paramref name="lasting"/> commands wait or stream and have none unless asked for.
    /// </summary>
    public static void Set(Command command, Terminal terminal, Func<Session, ParseResult, Task<int>> run, bool lasting = false) =>
        command.SetAction(async (parsed, interrupt) =>
        {
            using Session session = new(parsed, terminal, lasting, interrupt);
            try
            {
                return await run(session, parsed);
            }
            catch (OperationCanceledException) when (!interrupt.IsCancellationRequested && session.Cancellation.IsCancellationRequested)
            {
                throw new TimeoutException("no answer in the time given; try again with a longer --timeout SECONDS");
            }
            catch (SpoofedReplyException e)
            {
                throw await session.ExplainAsync(e);
            }
        });

    /// <summary>This person's key.</summary>
    public IdentityKey Key()
    {
        if (_key is not null)
            return _key;
        string path = KeyPath();
        if (!File.Exists(path))
            throw new CliException($"there is no key at {path}; make one with: zos key new");
        return _key = KeyFile.Open(path, AskPassphrase);
    }

    /// <summary>Where this person's key is or would be.</summary>
    public string KeyPath() => _parsed.GetValue(Globals.Key) ?? Folder.KeyFile;

    /// <summary>A passphrase, from ZOS_PASSPHRASE or a person.</summary>
    public string AskPassphrase()
    {
        if (Environment.GetEnvironmentVariable("ZOS_PASSPHRASE") is { Length: > 0 } fromEnvironment)
            return fromEnvironment;
        if (!Terminal.Interactive)
            throw new CliException("the key is under a passphrase and nobody can be asked; set ZOS_PASSPHRASE");
        return Terminal.Ask("passphrase: ") ?? "";
    }

    /// <summary>A client for the node that --node, ZOS_NODE or being the only one names.</summary>
    public NodeClient Connect(string? name = null) => Connector(name)();

    /// <summary>Makes clients for that node, which share one way to it: a client has one caller at a time.</summary>
    public Func<NodeClient> Connector(string? name = null)
    {
        (KnownNode node, HttpTransport transport) = Reach(name);
        IdentityKey key = Key();
        KeyId id = KeyId.TryParse(node.Id, out KeyId? known) ? known : throw new InvalidOperationException();
        return () => new NodeClient(new BusClient(key, id, transport, TimeProvider.System),
            () => Terminal.Complain($"the connection to {node.Host}:{node.Port} was lost; dialling again"));
    }

    /// <summary>The way to that node, for who has another key to speak with.</summary>
    public (KnownNode Node, HttpTransport Transport) Reach(string? name)
    {
        Node = Find(name ?? _parsed.GetValue(Globals.Node) ?? Environment.GetEnvironmentVariable("ZOS_NODE"));
        if (!KeyId.TryParse(Node.Id, out _))
            throw new CliException($"the configuration has no good key id for that node: \"{Node.Id}\"");
        _transport?.Dispose();
        _transport = new HttpTransport(Node.Host, Node.Port, TimeSpan.FromSeconds(10));
        return (Node, _transport);
    }

    /// <summary>Registries as this computer reaches them.</summary>
    public Registries Registries() => new(Folder.Read(), _parsed.GetValue(Globals.Registry) ?? []);

    /// <summary>One JSON object on one line.</summary>
    public void WriteJson<T>(T value, JsonTypeInfo<T> type) =>
        Terminal.Out.WriteLine(Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(value, type)));

    /// <summary>One JSON object on one line, if that is how answers are wanted; false: the caller writes them for people.</summary>
    public bool TryWriteJson<T>(T value, JsonTypeInfo<T> type)
    {
        if (Json)
            WriteJson(value, type);
        return Json;
    }

    public void Dispose()
    {
        _transport?.Dispose();
        _key?.Dispose();
        _ends.Dispose();
    }

    /// <summary>What answered is not the pinned node; a locked node is a common reason, and one about which something can be done.</summary>
    private async Task<Exception> ExplainAsync(SpoofedReplyException fault)
    {
        if (Node is null || _transport is null)
            return fault;
        try
        {
            NodeInfo there = await BusClient.WhoIsThereAsync(_key ?? Key(), _transport, TimeProvider.System, Cancellation);
            return there.Locked is LockedState locked && locked.NodeId == Node.Id
                ? new CliException($"the node is locked, as what answers in its place says: {locked.Message}; with the farm's recovery key: zos node recover")
                : fault;
        }
        catch (Exception e) when (e is SpoofedReplyException or BusTransportException or BusErrorException or OperationCanceledException)
        {
            return fault;
        }
    }

    private KnownNode Find(string? wanted)
    {
        IReadOnlyDictionary<string, KnownNode> nodes = Folder.Read().Nodes;
        NodeName = !string.IsNullOrEmpty(wanted) ? wanted : nodes.Keys.FirstOrDefault("");
        if (string.IsNullOrEmpty(wanted))
        {
            return nodes.Count switch
            {
                0 => throw new CliException("no node is known; pin one with: zos node add NAME KEYID@HOST"),
                1 => nodes.Values.Single(),
                _ => throw new CliException($"which node? say --node {string.Join(" or --node ", nodes.Keys)}", CliException.Usage),
            };
        }
        if (nodes.TryGetValue(wanted, out KnownNode? known))
            return known;
        if (!wanted.Contains('@', StringComparison.Ordinal))
            throw new CliException($"no node is called \"{wanted}\"; zos node list shows those known, zos node add pins another");
        NodeAddress address = NodeAddress.Parse(wanted);
        NodeName = address.Host;
        return new KnownNode { Id = address.Id!.Text, Host = address.Host, Port = address.Port };
    }
}
