using System.CommandLine;

using ZeroOS.Bus.Keys;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos grant: what an owner lets others have on a node.</summary>
internal static class GrantVerbs
{
    public static Command Build(Terminal terminal)
    {
        Command grant = new("grant", "Manage grants: what tenants may use on your node.");
        grant.Add(Put(terminal));
        Command list = new("list", "List all grants of the node.");
        Session.Set(list, terminal, async (session, _) =>
        {
            GrantList grants = new() { Grants = await session.Connect().GrantsAsync(session.Cancellation) };
            if (session.TryWriteJson(grants, BusJson.Default.GrantList))
                return 0;
            Table table = new("TENANT", "VERSION", "MACHINES", "CPU", "MEMORY", "STORAGE", "PORTS", "UNTIL");
            foreach (Grant g in grants.Grants)
                table.Add(g.Grantee, $"{g.Version}", $"{g.Machines}", $"{g.Cpu}", $"{g.Memory}", $"{g.Storage}", string.Join(",", g.Ports),
                    $"{g.Expires:yyyy-MM-dd}");
            table.Write(terminal.Out);
            return 0;
        });
        grant.Add(list);
        return grant;
    }

    private static Command Put(Terminal terminal)
    {
        Argument<string> tenant = new("KEYID") { Description = "key id of the tenant (zos key show)" };
        Option<int> machines = new("--machines") { Required = true, Description = "maximum number of machines" };
        Option<int> cpu = new("--cpu") { Required = true, Description = "total vCPUs" };
        Option<string> memory = new("--memory") { Required = true, HelpName = "SIZE", Description = "total memory, for example 16GiB" };
        Option<string> storage = new("--storage")
        {
            Required = true,
            HelpName = "SIZE",
            Description = "total disk space for images, volumes, writable layers and logs"
        };
        Option<string[]> ports = new("--ports") { HelpName = "PORT[-PORT][,…]", Description = "ports of the node that the tenant may publish" };
        Option<int> days = new("--days") { Required = true, Description = "days until the grant ends" };
        Option<int> grace = new("--grace-days") { DefaultValueFactory = _ => 7, Description = "days that volumes are kept after the end" };
        Command command = new("put", "Give a tenant a grant, or change it.") { tenant, machines, cpu, memory, storage, ports, days, grace };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            if (!KeyId.TryParse(parsed.GetRequiredValue(tenant), out KeyId? grantee))
                throw new CliException($"\"{parsed.GetRequiredValue(tenant)}\" is not a key id", CliException.Usage);
            NodeClient node = session.Connect();
            DateTimeOffset now = (await node.InfoAsync(session.Cancellation)).Time;
            IReadOnlyList<Grant> before = await node.GrantsAsync(session.Cancellation);
            Grant wanted = new()
            {
                Grantee = grantee.Text,
                Version = (before.FirstOrDefault(g => g.Grantee == grantee.Text)?.Version ?? 0) + 1,
                Machines = parsed.GetRequiredValue(machines),
                Cpu = parsed.GetRequiredValue(cpu),
                Memory = SizeArgument.Parse(parsed.GetRequiredValue(memory)),
                Storage = SizeArgument.Parse(parsed.GetRequiredValue(storage)),
                Ports = [.. (parsed.GetValue(ports) ?? [])
                    .SelectMany(p => p.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
                NotBefore = now,
                Expires = now.AddDays(parsed.GetRequiredValue(days)),
                GraceSeconds = parsed.GetValue(grace) * 86400L,
            };
            Grant stored = await node.PutGrantAsync(wanted, session.Cancellation);
            if (session.Json)
                session.WriteJson(stored, BusJson.Default.Grant);
            else
                terminal.Out.WriteLine($"Granted until {stored.Expires:yyyy-MM-dd}. Send the tenant this line:\nzos node add NAME {session.Node!.Address}");
            return 0;
        });
        return command;
    }
}
