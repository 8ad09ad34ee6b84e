using System.CommandLine;
using System.Globalization;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos node disk: what is on a node's disks, and the orders by which the farm's threshold claims or erases one.</summary>
internal static class NodeDiskVerbs
{
    // A day less than nodes accept: their clocks differ.
    private const int DefaultDays = 6;

    private static readonly Argument<string?> s_disk = new("DISK")
    {
        Arity = ArgumentArity.ZeroOrOne,
        Description = "serial number, name or disk id of the disk, as zos node disk list shows it",
    };

    public static Command Build(Terminal terminal)
    {
        Command disk = new("disk", "Manage the disks of a node.");
        Command list = new("list", "List the disks of a node, what is on them, and how to free them. Owners only.");
        Session.Set(list, terminal, ListAsync);
        disk.Add(list);
        disk.Add(Order(terminal, "claim", "Give a used disk to a node. What is on it is lost. Needs the farm's threshold.", DiskOrder.ClaimType));
        disk.Add(Order(terminal, "erase", "Write zeros over a disk of a node. Needs the farm's threshold.", DiskOrder.EraseType));
        disk.Add(Sign(terminal));
        return disk;
    }

    private static async Task<int> ListAsync(Session session, ParseResult parsed)
    {
        IReadOnlyList<DiskDetails> disks = await session.Connect().DisksAsync(session.Cancellation);
        if (session.TryWriteJson(new DiskList { Disks = disks }, BusJson.Default.DiskList))
            return 0;
        Table table = new("DISK", "SERIAL", "SIZE", "STATE", "WHAT IS ON IT");
        foreach (DiskDetails disk in disks)
        {
            string state = disk.Percent is int percent ? string.Create(CultureInfo.InvariantCulture, $"{disk.Disk.State} {percent} %") : disk.Disk.State;
            table.Add(disk.Disk.Name, disk.Disk.Serial, string.Create(CultureInfo.InvariantCulture, $"{disk.Disk.SizeBytes / (double)(1 << 30):0.#} GiB"),
                state, disk.Disk.Reason ?? "");
        }
        table.Write(session.Terminal.Out);
        foreach (DiskDetails disk in disks.Where(d => d.Disk.Remedy is not null))
            session.Terminal.Out.WriteLine(Terminal.Clean(
                $"{disk.Disk.Name}: zos node disk claim {(disk.Disk.Serial.Length > 0 ? disk.Disk.Serial : disk.Disk.Name)}, or {disk.Disk.Remedy}"));
        return 0;
    }

    private static Command Order(Terminal terminal, string verb, string description, string type)
    {
        Option<string?> output = new("-o", "--output")
        {
            HelpName = "FILE",
            Description = "write the order, signed by you, to a file instead of sending it; other owners add theirs (zos node disk sign)"
        };
        Option<string?> order = new("--order") { HelpName = "FILE", Description = "send the order in this file, which enough owners have signed" };
        Option<bool> yes = new("--yes") { Description = "do not ask" };
        Command command = new(verb, description) { s_disk, output, order, yes };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            (string? wanted, string? file) = (parsed.GetValue(s_disk), parsed.GetValue(order));
            if ((wanted is null) == (file is null))
                throw new CliException($"say which: zos node disk {verb} DISK, or zos node disk {verb} --order FILE", CliException.Usage);
            NodeClient node = session.Connect();
            byte[] document = file is null ? await MakeAsync(session, node, wanted!, type) : Read(file, type);
            if (parsed.GetValue(output) is { } path)
            {
                using (FileStream target = new(path, FileMode.CreateNew, FileAccess.Write))
                    target.Write(document);
                terminal.Error.WriteLine(
                    $"Wrote {path}, signed by you. Others add theirs with: zos node disk sign {path}. Then: zos node disk {verb} --order {path}");
                return 0;
            }
            Confirm(session, document, verb, type, parsed.GetValue(yes));
            DiskDetails disk = type == DiskOrder.ClaimType ? await node.ClaimDiskAsync(document, session.Cancellation)
                : await node.EraseDiskAsync(document, session.Cancellation);
            if (session.Json)
                session.WriteJson(disk, BusJson.Default.DiskDetails);
            else
                terminal.Out.WriteLine(Terminal.Clean($"{disk.Disk.Name} {disk.Disk.Serial}: {disk.Disk.State}; zos node disk list shows how far it is"));
            return 0;
        });
        return command;
    }

    private static Command Sign(Terminal terminal)
    {
        Argument<string> file = new("FILE") { Description = "order written by zos node disk claim or erase with -o" };
        Command command = new("sign", "Show an order about a disk and add your signature.") { file };
        Session.Set(command, terminal, (session, parsed) =>
        {
            string path = parsed.GetRequiredValue(file);
            byte[] document = File.ReadAllBytes(path);
            string type = ThresholdDocument.TypeOf(document) is DiskOrder.EraseType ? DiskOrder.EraseType : DiskOrder.ClaimType;
            byte[] signed = ThresholdDocument.AddSignature(document, type, BusJson.Default.DiskOrder, session.Key());
            (DiskOrder order, IReadOnlyList<KeyId> signers) = Open(path, signed, type);
            File.WriteAllBytes(path + ".new", signed);
            File.Move(path + ".new", path, overwrite: true);
            terminal.Error.WriteLine(Terminal.Clean($"{(type == DiskOrder.EraseType ? "Erase" : "Claim")} {order.About ?? order.DiskId} "
                + $"on node {order.Node}, until {order.NotAfter:yyyy-MM-dd HH:mm} UTC."));
            terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{path} has {signers.Count} {(signers.Count == 1 ? "signature" : "signatures")}."));
            return Task.FromResult(0);
        });
        return command;
    }

    /// <summary>An order about the disk as the node sees it now, signed by this person.</summary>
    private static async Task<byte[]> MakeAsync(Session session, NodeClient node, string wanted, string type)
    {
        DiskDetails[] found = [.. (await node.DisksAsync(session.Cancellation))
            .Where(d => d.Disk.Serial == wanted || d.Disk.Name == wanted || d.DiskId == wanted)];
        DiskDetails disk = found switch
        {
            [var one] => one,
            [] => throw new CliException($"the node has no disk \"{wanted}\"; zos node disk list shows those it has"),
            _ => throw new CliException($"{found.Length} disks are called \"{wanted}\"; give the name or the disk id (zos node disk list --json)"),
        };
        if (disk.ContentId is not { } content)
            throw new CliException(
                $"disk {disk.Disk.Name} cannot be {(type == DiskOrder.ClaimType ? "claimed" : "erased")}: it is {disk.Disk.State}, {disk.Disk.Reason}");
        DiskOrder order = new()
        {
            Id = Guid.CreateVersion7().ToString(),
            Node = node.Node.Text,
            DiskId = disk.DiskId,
            ContentId = content,
            NotAfter = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.AddDays(DefaultDays).ToUnixTimeSeconds()),
            About = $"{disk.Disk.Name} {disk.Disk.Serial} ({disk.Disk.SizeBytes >> 30} GiB), which {disk.Disk.Reason}",
        };
        return ThresholdDocument.Sign(type, order, BusJson.Default.DiskOrder, session.Key());
    }

    private static void Confirm(Session session, byte[] document, string verb, string type, bool yes)
    {
        (DiskOrder order, _) = Open("the order", document, type);
        string what = Terminal.Clean($"This will {verb} {order.About ?? order.DiskId}. Everything on it is lost.");
        if (yes)
            return;
        if (!session.Terminal.Interactive)
            throw new CliException($"{what} Say --yes");
        if (session.Terminal.Ask($"{what} Go on? [y/N] ") is not ("y" or "Y" or "yes"))
            throw new CliException("nothing was sent");
    }

    private static byte[] Read(string path, string type)
    {
        byte[] document = File.ReadAllBytes(path);
        _ = Open(path, document, type);
        return document;
    }

    private static (DiskOrder Order, IReadOnlyList<KeyId> Signers) Open(string path, byte[] document, string type) =>
        ThresholdDocument.TryInspect(document, type, BusJson.Default.DiskOrder, out DiskOrder? order, out IReadOnlyList<KeyId> signers, out string? fault)
            ? (order, signers)
            : throw new CliException($"{path}: {fault}");
}
