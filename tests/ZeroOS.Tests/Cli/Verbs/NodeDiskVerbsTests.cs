using System.Text.Json;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos node disk against a node that has three disks and notes what it is sent.</summary>
[Collection("zos")]
public sealed class NodeDiskVerbsTests : IAsyncLifetime
{
    private readonly List<(string Type, DiskOrder Order, IReadOnlyList<KeyId> Signers)> _sent = [];
    private ZosBench _zos = null!;

    public async Task InitializeAsync()
    {
        _zos = await ZosBench.StartAsync(bench => bench.Bus.Routes
            .Add(Commands.DiskList, Roles.Owner, _ => new DiskList
            {
                Disks = [Disk("sda", "OURS1", "ours", "in use", null, '1'), Disk("sdb", "USED1", "foreign", "holds a ZFS pool", "wipe it", '2'),
                    Disk("sdc", "SAME", "foreign", "holds swap", null, '3'), Disk("sdd", "SAME", "foreign", "holds swap", null, '4')]
            })
            .Add(Commands.DiskClaim, Roles.Owner, (_, body) => Take(DiskOrder.ClaimType, body))
            .Add(Commands.DiskErase, Roles.Owner, (_, body) => Take(DiskOrder.EraseType, body)));
        await _zos.SettleAsync();
    }

    public async Task DisposeAsync() => await _zos.DisposeAsync();

    [Fact]
    public async Task List_shows_the_serial_number_what_is_on_it_and_what_to_type()
    {
        string text = await _zos.Ok("node", "disk", "list");
        Assert.Matches(@"sdb +USED1 +7\.5 GiB +foreign +holds a ZFS pool", text);
        Assert.Contains("sdb: zos node disk claim USED1, or wipe it", text, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(await _zos.Ok("node", "disk", "list", "--json"));
        Assert.Equal(new string('2', 64), json.RootElement.GetProperty("disks")[1].GetProperty("diskId").GetString());
    }

    [Theory]
    [InlineData("claim", DiskOrder.ClaimType)]
    [InlineData("erase", DiskOrder.EraseType)]
    public async Task An_order_names_what_was_looked_at_and_is_sent_only_when_somebody_says_yes(string verb, string type)
    {
        Assert.Contains("sdb USED1 (7 GiB), which holds a ZFS pool. Everything on it is lost.", await _zos.Fails(1, "node", "disk", verb, "USED1"),
            StringComparison.Ordinal);
        Assert.Empty(_sent);
        Assert.Contains("sdb USED1: busy with it", await _zos.Ok("node", "disk", verb, "USED1", "--yes"), StringComparison.Ordinal);
        (string sentType, DiskOrder order, IReadOnlyList<KeyId> signers) = Assert.Single(_sent);
        Assert.Equal((type, _zos.Node.Id.Text, new string('2', 64), new string('c', 64)), (sentType, order.Node, order.DiskId, order.ContentId));
        Assert.InRange(order.NotAfter, DateTimeOffset.UtcNow.AddDays(5), DateTimeOffset.UtcNow.AddDays(7));
        Assert.Equal((await _zos.Ok("key", "show")).Trim(), Assert.Single(signers).Text);
    }

    [Fact]
    public async Task Two_owners_sign_one_file_and_it_is_sent_as_it_is()
    {
        string file = Path.Combine(_zos.Folder, "erase.order"), other = Path.Combine(_zos.Folder, "other-key");
        await _zos.Ok("node", "disk", "erase", "sdb", "-o", file);
        await _zos.Ok("key", "new", "--key", other);
        await _zos.Ok("node", "disk", "sign", file, "--key", other);
        await _zos.Fails(1, "node", "disk", "claim", "--order", file, "--yes"); // it is an order to erase
        Assert.Empty(_sent);
        await _zos.Ok("node", "disk", "erase", "--order", file, "--yes");
        Assert.Equal(2, Assert.Single(_sent).Signers.Count);
    }

    [Fact]
    public async Task Unknown_ambiguous_and_unusable_disks_are_refused_with_what_helps()
    {
        Assert.Contains("no disk \"NONE\"", await _zos.Fails(1, "node", "disk", "claim", "NONE", "--yes"), StringComparison.Ordinal);
        Assert.Contains("2 disks are called \"SAME\"", await _zos.Fails(1, "node", "disk", "claim", "SAME", "--yes"), StringComparison.Ordinal);
        Assert.Contains("disk sda cannot be erased: it is ours, in use", await _zos.Fails(1, "node", "disk", "erase", "OURS1", "--yes"),
            StringComparison.Ordinal);
        await _zos.Fails(2, "node", "disk", "claim");
        Assert.Empty(_sent);
    }

    private DiskDetails Take(string type, SignedDiskOrder body)
    {
        Assert.True(ThresholdDocument.TryInspect(Convert.FromBase64String(body.Order), type, BusJson.Default.DiskOrder, out DiskOrder? order,
            out IReadOnlyList<KeyId> signers, out string? fault), fault);
        _sent.Add((type, order, signers));
        return Disk("sdb", "USED1", "busy with it", "", null, '2');
    }

    private static DiskDetails Disk(string name, string serial, string state, string reason, string? remedy, char id) => new()
    {
        Disk = new DiskStatus { Name = name, Serial = serial, SizeBytes = 15L << 29, State = state, Reason = reason, Remedy = remedy },
        DiskId = new string(id, 64),
        ContentId = state == "ours" ? null : new string('c', 64),
    };
}
