using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;
using ZeroOS.Engine.Store;
using ZeroOS.Host.Storage;
using ZeroOS.Node.Disks;
using ZeroOS.Node.Farm;
using ZeroOS.Tests.Engine;
using ZeroOS.Tests.Host.Storage;

namespace ZeroOS.Tests.Node.Disks;

/// <summary>Orders of two of three owners about a disk that is a sparse file.</summary>
public sealed class DiskHandlersTests : IDisposable
{
    private readonly IdentityKey _node = IdentityKey.Generate(), _a = IdentityKey.Generate(), _b = IdentityKey.Generate(), _c = IdentityKey.Generate();
    private readonly TestFolder _folder = new();
    private readonly ManualTime _time = new();
    private readonly DiskBench _disks = new();
    private readonly BlockDisk _disk;
    private readonly ManualResetEventSlim _told = new();
    private EngineStore _store;
    private DiskDependencies _dependencies;

    public DiskHandlersTests()
    {
        _store = _folder.OpenStore(_time);
        _disk = _disks.Add("vda", "gpt");
        FarmSettings farm = new()
        {
            FarmId = Guid.NewGuid().ToString(),
            Version = 1,
            Name = "farm",
            Owners = [_a.Id.Text, _b.Id.Text, _c.Id.Text],
            Threshold = 2,
            RecoverySigningKey = "",
            RecoveryEncryptionKey = "",
        };
        _dependencies = new DiskDependencies
        {
            Node = _node.Id,
            Settings = () => farm,
            ClockSynced = () => true,
            OnTrial = false,
            Ledger = OpenLedger(),
            Disks = _disks.Node,
            InMemory = () => 0,
            Claimed = () => { },
        };
    }

    private DiskOrder Order => new()
    {
        Id = Guid.NewGuid().ToString(),
        Node = _node.Id.Text,
        DiskId = _disk.DiskId,
        ContentId = _disks.ContentId(_disk),
        NotAfter = _time.GetUtcNow().AddDays(6),
    };

    public void Dispose()
    {
        _disks.Dispose();
        _store.Dispose();
        _folder.Dispose();
        _told.Dispose();
    }

    [Fact]
    public void An_order_of_the_threshold_erases_the_disk_once_and_tells_every_owner()
    {
        SignedDiskOrder order = Sign(DiskOrder.EraseType, Order, _a, _b);
        Assert.Equal("erasing", Handlers().Erase(Context(), order).Disk.State);
        WaitForEvent();
        Assert.Equal(DiskState.Empty, DiskBench.State(_disk));
        foreach (IdentityKey owner in (IdentityKey[])[_a, _b, _c])
        {
            NodeEvent told = Assert.Single(_store.Events(owner.Id.Text, 0));
            Assert.Equal(("node-disk", "erased"), (told.Kind, told.Reason));
        }
    }

    [Fact]
    public void An_order_that_was_carried_out_is_refused_also_when_the_disk_looks_the_same_again_and_after_a_restart()
    {
        DiskOrder order = Order;
        Handlers().Erase(Context(), Sign(DiskOrder.EraseType, order, _a, _b));
        WaitForEvent();
        FarmersDisk.Make("gpt", _disk.Path);
        // The GUIDs of a partition table are drawn; the same content is what an attacker would put there.
        SignedDiskOrder again = Sign(DiskOrder.EraseType, order with { ContentId = _disks.ContentId(_disk) }, _b, _c);
        Assert.Equal(ErrorCodes.Replayed, Refused(again).Code);
        // Not even a database that a failed trial gives back brings the order back.
        _store.Dispose();
        File.Delete(Path.Combine(_folder.Path, "engine.db"));
        _store = _folder.OpenStore(_time);
        _dependencies = _dependencies with { Ledger = OpenLedger() };
        Assert.Equal(ErrorCodes.Replayed, Refused(again).Code);
        Assert.Equal(DiskState.Foreign, DiskBench.State(_disk));
    }

    [Fact]
    public void Without_the_threshold_for_another_node_another_kind_or_another_content_nothing_is_written()
    {
        byte[] before = Start();
        Assert.Equal(ErrorCodes.Denied, Refused(Sign(DiskOrder.EraseType, Order, _a)).Code);
        Assert.Equal(ErrorCodes.Denied, Refused(Sign(DiskOrder.EraseType, Order, _a, _node)).Code);
        Assert.Equal(ErrorCodes.Invalid, Refused(Sign(DiskOrder.EraseType, Order with { Node = _a.Id.Text }, _a, _b)).Code);
        Assert.Equal(ErrorCodes.Invalid, Refused(Sign(DiskOrder.ClaimType, Order, _a, _b)).Code);
        Assert.Equal(ErrorCodes.Invalid, Refused(new SignedDiskOrder { Order = "?" }).Code);
        Assert.Equal(ErrorCodes.Conflict, Refused(Sign(DiskOrder.EraseType, Order with { ContentId = new string('0', 64) }, _a, _b)).Code);
        Assert.Equal(ErrorCodes.NotFound, Refused(Sign(DiskOrder.EraseType, Order with { DiskId = new string('0', 64) }, _a, _b)).Code);
        Assert.Equal(before, Start());
        Assert.Empty(_store.Events(_a.Id.Text, 0));
    }

    [Fact]
    public void On_trial_without_settings_and_without_a_clock_no_order_counts()
    {
        SignedDiskOrder order = Sign(DiskOrder.EraseType, Order, _a, _b);
        _dependencies = _dependencies with { ClockSynced = () => false };
        Assert.Equal(ErrorCodes.Unavailable, Refused(order).Code);
        _dependencies = _dependencies with { Settings = () => null };
        Assert.Equal(ErrorCodes.Denied, Refused(order).Code);
        _dependencies = _dependencies with { OnTrial = true };
        Assert.Equal(ErrorCodes.Busy, Refused(order).Code);
    }

    [Fact]
    public void A_node_that_runs_from_memory_claims_no_disk_over_volumes_that_would_be_lost()
    {
        _dependencies = _dependencies with { InMemory = () => 3 };
        BusError error = Assert.Throws<BusErrorException>(() => Handlers().Claim(Context(), Sign(DiskOrder.ClaimType, Order, _a, _b))).Error;
        Assert.Equal(ErrorCodes.Conflict, error.Code);
        Assert.Contains("3 volumes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_claim_that_fails_is_told_and_the_node_does_not_start_again()
    {
        bool again = false;
        _dependencies = _dependencies with { Claimed = () => again = true };
        Assert.Equal("claiming", Handlers().Claim(Context(), Sign(DiskOrder.ClaimType, Order, _a, _b)).Disk.State); // this bench has no template
        WaitForEvent();
        Assert.Equal("disk-failed", Assert.Single(_store.Events(_a.Id.Text, 0)).Reason);
        Assert.False(again);
    }

    private byte[] Start()
    {
        byte[] start = new byte[4096];
        using FileStream file = File.OpenRead(_disk.Path);
        file.ReadExactly(start);
        return start;
    }

    private LedgerStore OpenLedger() => new([new StorageDisk(_folder.Path)], _node, counter: null, (_, _) => false);

    private DiskHandlers Handlers() => new(_store, _dependencies);

    private BusError Refused(SignedDiskOrder order) => Assert.Throws<BusErrorException>(() => Handlers().Erase(Context(), order)).Error;

    private void WaitForEvent() => Assert.True(SpinWait.SpinUntil(() => _store.LastEvent(_c.Id.Text) > 0, TimeSpan.FromSeconds(60)));

    private RequestContext Context() =>
        new() { Sender = _a.Id, Roles = Roles.Owner, MessageId = Guid.NewGuid(), RememberUntil = _time.GetUtcNow().AddMinutes(5) };

    private static SignedDiskOrder Sign(string type, DiskOrder order, params IdentityKey[] keys) =>
        new() { Order = Convert.ToBase64String(ThresholdDocument.Sign(type, order, BusJson.Default.DiskOrder, keys)) };
}
