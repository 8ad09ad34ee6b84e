using System.CommandLine;
using System.Globalization;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos node: which nodes there are, and what owners do with them.</summary>
internal static class NodeVerbs
{
    private static readonly Argument<string?> s_name = new("NAME")
    {
        Arity = ArgumentArity.ZeroOrOne,
        Description = "pinned node, or KEYID@HOST[:PORT] (default: as --node)"
    };

    public static Command Build(Terminal terminal)
    {
        Command node = new("node", "Manage nodes.");
        node.Add(Add(terminal));
        Command list = new("list", "List the nodes you have pinned.");
        Session.Set(list, terminal, (session, _) => Task.FromResult(List(session)));
        node.Add(list);
        Command info = new("info", "Show identity, version and features of a node.") { s_name };
        Session.Set(info, terminal, InfoAsync);
        node.Add(info);
        Command status = new("status", "Show node health, capacity and your usage.") { s_name };
        Session.Set(status, terminal, StatusAsync);
        node.Add(status);
        node.Add(NodeAttestVerb.Build(terminal, s_name));
        node.Add(NodeRecoverVerb.Build(terminal));
        node.Add(Power(terminal, "reboot", (node, cancellation) => node.RebootAsync(cancellation), "Restart the node; all workloads come back. Owners only."));
        node.Add(Power(terminal, "shutdown", (node, cancellation) => node.ShutdownAsync(cancellation), "Power the node off. Owners only."));
        node.Add(NodeUpdateVerb.Build(terminal));
        node.Add(NodeDiskVerbs.Build(terminal));
        return node;
    }

    private static Command Add(Terminal terminal)
    {
        Argument<string> name = new("NAME") { Description = "name you give it" };
        Argument<string> address = new("KEYID@HOST[:PORT]") { Description = "key id (shown on its screen) and address; default port 8051" };
        Command command = new("add", "Pin a node. Only this node can then answer under this name.") { name, address };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            string called = parsed.GetRequiredValue(name);
            NodeAddress there = NodeAddress.Parse(parsed.GetRequiredValue(address));
            ClientConfig config = session.Folder.Read();
            KnownNode? before = config.Nodes.GetValueOrDefault(called);
            if (before is not null && there.Id is not null && before.Id != there.Id.Text)
                throw Changed(called, before.Id, there.Id.Text);
            using HttpTransport transport = new(there.Host, there.Port, TimeSpan.FromSeconds(10));
            KeyId id = there.Id ?? await AskAsync(session, transport, before, called, there);
            _ = await new BusClient(session.Key(), id, transport, TimeProvider.System).InfoAsync(session.Cancellation);
            // A new address is no reason to forget the TPM that was pinned.
            KnownNode node = new() { Id = id.Text, Host = there.Host, Port = there.Port, Tpm = before?.Tpm };
            session.Folder.Write(config with
            {
                Nodes = new SortedDictionary<string, KnownNode>(config.Nodes.ToDictionary(), StringComparer.Ordinal) { [called] = node }
            });
            if (session.Json)
                session.WriteJson(node, ConfigJson.Default.KnownNode);
            else
                terminal.Out.WriteLine($"{called} is {id}");
            return 0;
        });
        return command;
    }

    /// <summary>First contact without a key id: a person may look and say yes, a script may not.</summary>
    private static async Task<KeyId> AskAsync(Session session, HttpTransport transport, KnownNode? before, string called, NodeAddress there)
    {
        NodeInfo info = await BusClient.WhoIsThereAsync(session.Key(), transport, TimeProvider.System, session.Cancellation);
        if (before is not null && before.Id != info.Id)
            throw Changed(called, before.Id, info.Id);
        if (!session.Terminal.Interactive)
            throw new CliException(
                $"{there.Host} says it is {info.Id}; compare that with its screen and give it: zos node add {called} {info.Id}@{there.Host}:{there.Port}");
        string? answer = session.Terminal.Ask($"{there.Host} says it is {info.Id}. Is that what its screen shows? [y/N] ");
        return answer is "y" or "Y" or "yes" && KeyId.TryParse(info.Id, out KeyId? id) ? id : throw new CliException("not pinned");
    }

    private static CliException Changed(string name, string before, string now) =>
        new($"{name} is pinned as {before}, and this would be {now}: another node, or somebody in its place; if you know why, add it under another name");

    private static int List(Session session)
    {
        ClientConfig config = session.Folder.Read();
        if (session.TryWriteJson(config, ConfigJson.Default.ClientConfig))
            return 0;
        Table table = new("NAME", "ADDRESS", "ID");
        foreach ((string name, KnownNode node) in config.Nodes)
            table.Add(name, $"{node.Host}:{node.Port}", node.Id);
        table.Write(session.Terminal.Out);
        return 0;
    }

    private static async Task<int> InfoAsync(Session session, ParseResult parsed)
    {
        NodeInfo info = await session.Connect(parsed.GetValue(s_name)).InfoAsync(session.Cancellation);
        if (session.TryWriteJson(info, BusJson.Default.NodeInfo))
            return 0;
        TextWriter o = session.Terminal.Out;
        o.WriteLine($"id        {info.Id}");
        o.WriteLine($"version   {Terminal.Clean(info.Version)}");
        o.WriteLine($"image     {Terminal.Clean(info.ImageDigest)}");
        o.WriteLine($"tier      {Terminal.Clean(info.Tier)}{(info.Tier == "open" ? " (whoever holds its disk holds everything on it)" : "")}");
        if (info.Locked is LockedState locked)
            o.WriteLine(Terminal.Clean($"locked    {locked.NodeId}: {locked.Message}"));
        o.WriteLine($"features  {Terminal.Clean(string.Join(' ', info.Features))}");
        o.WriteLine($"time      {info.Time:yyyy-MM-dd HH:mm:ss} UTC");
        return 0;
    }

    private static async Task<int> StatusAsync(Session session, ParseResult parsed)
    {
        NodeStatus status = await session.Connect(parsed.GetValue(s_name)).StatusAsync(session.Cancellation);
        if (session.TryWriteJson(status, BusJson.Default.NodeStatus))
            return 0;
        TextWriter o = session.Terminal.Out;
        string since = status.ReadyAfterSeconds is double s ? string.Create(CultureInfo.InvariantCulture, $", {s:0.0} s after the kernel began") : "";
        o.WriteLine($"stage     {Terminal.Clean(status.Stage)}{since}");
        foreach (NodeCondition condition in status.Conditions)
            o.WriteLine(Terminal.Clean($"{condition.Name,-9} {(condition.Ok ? "well" : $"{condition.Reason}: {condition.Message}")}"));
        if (status.Update is { State: UpdateState.Fetching, TotalBytes: > 0 } update)
            o.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"fetched   {update.DoneBytes * 100 / update.TotalBytes} % of {Terminal.Clean(update.Version)}"));
        o.WriteLine($"capacity  {Describe(status.Capacity)}");
        o.WriteLine($"used      {Describe(status.Used)}");
        if (status.Grant is Grant grant)
            o.WriteLine(Terminal.Clean($"grant     {grant.Machines} machines, {grant.Cpu} cpu, {grant.Memory} memory, {grant.Storage} storage, "
                + $"ports {string.Join(",", grant.Ports)}, until {grant.Expires:yyyy-MM-dd}"));
        foreach (string address in status.Addresses ?? [])
            o.WriteLine($"address   {Terminal.Clean(address)}");
        foreach (DiskStatus disk in status.Disks ?? [])
        {
            o.WriteLine(Terminal.Clean($"disk      {disk.Name} {disk.SizeBytes >> 30} GiB {disk.State} {disk.Serial} {disk.Reason}"));
            if (disk.Remedy is { } remedy)
                o.WriteLine(Terminal.Clean($"          {remedy}"));
        }
        return 0;
    }

    private static string Describe(Resources r) => $"{r.Machines} machines, {r.Cpu} cpu, {r.Memory} memory, {r.Storage} storage";

    private static Command Power(Terminal terminal, string verb, Func<NodeClient, CancellationToken, Task> act, string description)
    {
        Command power = new(verb, description) { s_name };
        Session.Set(power, terminal, async (session, parsed) =>
        {
            await act(session.Connect(parsed.GetValue(s_name)), session.Cancellation);
            return 0;
        });
        return power;
    }
}
