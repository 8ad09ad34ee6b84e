using System.Reflection;

using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Node.Attestation;
using ZeroOS.Node.Disks;
using ZeroOS.Tests.Engine;
using ZeroOS.Tests.Node.Update;
using ZeroOS.Tests.Repository;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node;

public sealed class NodeCommandsTests
{
    // A role that is widened by mistake fails here: the list is written twice on purpose.
    private static readonly Dictionary<string, Roles> s_expected = new(StringComparer.Ordinal)
    {
        ["zos.node.info"] = Roles.Anyone,
        ["zos.node.status"] = Roles.OwnerOrTenant,
        ["zos.node.attest"] = Roles.OwnerOrTenant,
        ["zos.node.reboot"] = Roles.Owner,
        ["zos.node.shutdown"] = Roles.Owner,
        ["zos.node.update"] = Roles.Owner,
        ["zos.disk.list"] = Roles.Owner,
        ["zos.disk.claim"] = Roles.Owner,
        ["zos.disk.erase"] = Roles.Owner,
        ["zos.grant.put"] = Roles.Owner,
        ["zos.grant.list"] = Roles.Owner,
        ["zos.deployment.apply"] = Roles.Tenant,
        ["zos.deployment.get"] = Roles.Tenant,
        ["zos.deployment.list"] = Roles.Tenant,
        ["zos.deployment.delete"] = Roles.Tenant,
        ["zos.machine.start"] = Roles.Tenant,
        ["zos.machine.stop"] = Roles.Tenant,
        ["zos.machine.restart"] = Roles.Tenant,
        ["zos.machine.kill"] = Roles.Tenant,
        ["zos.machine.logs"] = Roles.Tenant,
        ["zos.machine.stats"] = Roles.Tenant,
        ["zos.session.open"] = Roles.Tenant,
        ["zos.events.watch"] = Roles.OwnerOrTenant,
        ["zos.volume.list"] = Roles.Tenant,
        ["zos.volume.delete"] = Roles.Tenant,
    };

    [Fact]
    public void Every_command_of_a_node_has_the_role_it_should_have()
    {
        using EngineBench bench = new();
        using FakeComputer computer = new();
        computer.Boot();
        using Attestor attestor = new(null,
            new AttestorFacts { Node = FakeComputer.Owner.Id, IdentitySealed = () => false, SealingKey = () => "", Settings = () => null }, LineLog.Quiet);
        Routes routes = new();
        ZeroOS.Node.NodeCommands.Add(routes, _ => throw new NotSupportedException(), bench.Handlers, attestor, computer.Updater,
            new DiskHandlers(bench.Store, null!), new ZeroOS.Node.PowerHandlers(() => { }, () => { }));
        Assert.Equal(s_expected.OrderBy(e => e.Key, StringComparer.Ordinal),
            routes.All.Select(r => KeyValuePair.Create(r.Command, r.Allowed)).OrderBy(e => e.Key, StringComparer.Ordinal));
        Assert.Equal(["zos.events.watch", "zos.machine.logs", "zos.machine.stats"],
            routes.All.Where(r => r.IsStream).Select(r => r.Command).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_command_has_its_row_in_the_page()
    {
        // "| zos.deployment.apply / get / list / delete |" names four.
        HashSet<string> named = [.. File.ReadLines(Path.Combine(Checkout.Root, "docs", "bus.md")).Where(l => l.StartsWith("| zos.", StringComparison.Ordinal))
            .Select(l => l.Split('|')[1].Trim().Split(" / "))
            .SelectMany(names => names.Select((n, i) => i == 0 ? n : names[0][..(names[0].LastIndexOf('.') + 1)] + n))];
        Assert.Empty(s_expected.Keys.Append(Commands.NodeRecover.Name).Except(named));
    }

    [Fact]
    public void Every_command_of_the_contracts_is_served_by_a_node_or_a_locked_one()
    {
        IEnumerable<string> names = typeof(Commands).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(f => (string)f.FieldType.GetProperty("Name")!.GetValue(f.GetValue(null))!);
        Assert.Equal(s_expected.Keys.Append("zos.node.recover").Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
    }
}
