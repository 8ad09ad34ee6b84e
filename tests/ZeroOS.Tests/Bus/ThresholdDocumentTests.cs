using System.Text;
using System.Text.Json.Nodes;

using Xunit;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Tests.Bus;

/// <summary>Orders that two of three owners must have signed.</summary>
public sealed class ThresholdDocumentTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
    private static readonly IdentityKey s_node = IdentityKey.Generate(), s_a = IdentityKey.Generate(), s_b = IdentityKey.Generate(),
        s_c = IdentityKey.Generate(), s_stranger = IdentityKey.Generate();

    private static readonly FarmSettings s_farm = new()
    {
        FarmId = Guid.NewGuid().ToString(),
        Version = 1,
        Name = "farm",
        Owners = [s_a.Id.Text, s_b.Id.Text, s_c.Id.Text],
        Threshold = 2,
        RecoverySigningKey = s_stranger.Id.Text,
        RecoveryEncryptionKey = "",
    };

    private static DiskOrder Order => new()
    {
        Id = "0198f3a0-0000-7000-8000-000000000001",
        Node = s_node.Id.Text,
        DiskId = new string('a', 64),
        ContentId = new string('b', 64),
        NotAfter = s_now.AddDays(6),
    };

    [Fact]
    public void Signatures_of_the_threshold_count_in_any_order_and_a_strangers_beside_them_changes_nothing()
    {
        byte[] one = ThresholdDocument.Sign(DiskOrder.EraseType, Order, BusJson.Default.DiskOrder, s_c);
        byte[] two = ThresholdDocument.AddSignature(one, DiskOrder.EraseType, BusJson.Default.DiskOrder, s_a);
        byte[] three = ThresholdDocument.AddSignature(two, DiskOrder.EraseType, BusJson.Default.DiskOrder, s_stranger);
        Assert.Null(Fault(two));
        Assert.Null(Fault(three));
        Assert.True(ThresholdDocument.TryVerify(two, DiskOrder.EraseType, BusJson.Default.DiskOrder, s_farm, s_node.Id, s_now, out DiskOrder? order, out _));
        Assert.Equal(Order, order);
        Assert.Equal(DiskOrder.EraseType, ThresholdDocument.TypeOf(two));
    }

    [Fact]
    public void Too_few_owners_are_counted_however_many_others_signed()
    {
        byte[] document = ThresholdDocument.Sign(DiskOrder.EraseType, Order, BusJson.Default.DiskOrder, s_a, s_stranger, s_node);
        Assert.Equal(new ThresholdFault("1 of the farm's owners have signed it, 2 must", LacksSignatures: true), Fault(document));
        // Again by the same owner replaces, and does not count twice.
        Assert.True(Fault(ThresholdDocument.AddSignature(document, DiskOrder.EraseType, BusJson.Default.DiskOrder, s_a))!.LacksSignatures);
    }

    [Fact]
    public void An_order_for_another_node_of_another_kind_or_at_another_time_does_not_count()
    {
        Assert.Contains("it is for node", Fault(Signed(Order with { Node = s_a.Id.Text }))!.Message, StringComparison.Ordinal);
        Assert.Contains("another kind", Fault(ThresholdDocument.Sign(DiskOrder.ClaimType, Order, BusJson.Default.DiskOrder, s_a, s_b))!.Message,
            StringComparison.Ordinal);
        Assert.Contains("it ended at", Fault(Signed(Order with { NotAfter = s_now }))!.Message, StringComparison.Ordinal);
        Assert.Contains("more than 7 days", Fault(Signed(Order with { NotAfter = s_now.AddDays(7).AddMinutes(2) }))!.Message, StringComparison.Ordinal);
        Assert.Contains("not a UUID", Fault(Signed(Order with { Id = "1" }))!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_thousand_mutations_never_count_and_never_throw()
    {
        byte[] good = Signed(Order);
        Random random = new(17);
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bad = good[..];
            int at = random.Next(bad.Length);
            bad[at] ^= (byte)random.Next(1, 256);
            if (random.Next(8) == 0)
                bad = bad[..random.Next(bad.Length)];
            Assert.True(Fault(bad) is not null || SaysTheSame(bad, good), $"seed 17 round {round}: {Encoding.UTF8.GetString(bad)}");
        }
    }

    // "\u002B" and "\u002b" are one character.
    private static bool SaysTheSame(byte[] one, byte[] other) => JsonNode.DeepEquals(JsonNode.Parse(one), JsonNode.Parse(other));

    private static byte[] Signed(DiskOrder order) => ThresholdDocument.Sign(DiskOrder.EraseType, order, BusJson.Default.DiskOrder, s_a, s_b);

    private static ThresholdFault? Fault(byte[] document) =>
        ThresholdDocument.TryVerify(document, DiskOrder.EraseType, BusJson.Default.DiskOrder, s_farm, s_node.Id, s_now, out _, out ThresholdFault? fault)
        ? null
        : fault;
}
