using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Handlers;
using ZeroOS.Host.Network;
using ZeroOS.Host.Storage;
using ZeroOS.Linux;
using ZeroOS.Node.Screen;

namespace ZeroOS.Node;

/// <summary>
/// What the node says of itself, to the screen and to the bus. The thread of the start publishes what is there; others ask at any moment, and what is not there
/// yet is left out.
/// </summary>
internal sealed class NodeOverview
{
    private readonly ProcessorMeter _processors = new();
    private volatile NodeParts _parts = new();

    /// <summary>Publishes another state. For the thread that starts and stops the role.</summary>
    public void Change(Func<NodeParts, NodeParts> change) => _parts = change(_parts);

    /// <summary>For the screen, on its thread.</summary>
    public ScreenFacts Screen()
    {
        NodeParts parts = _parts;
        (ImageRelease release, UplinkState? uplink, NodeStorage? storage) = (ImageRelease.Current, parts.Uplink?.Current, parts.Storage);
        return new ScreenFacts
        {
            Name = Environment.GetEnvironmentVariable("ZEROOS_NAME") ?? "",
            Version = release.Version.ToString(3),
            ImageDigest = release.Digest,
            NodeId = parts.Identity?.Key.Id.Text,
            Farm = parts.Settings?.InForce?.Name,
            Tier = parts.Attestor?.Tier ?? parts.Identity?.Tier,
            Stage = parts.Stage,
            Ready = parts.ReadyAfterSeconds is not null,
            Conditions = Conditions(parts),
            Addresses = [.. (uplink?.Addresses ?? []).Select(a => $"{a.Address}/{a.PrefixLength}")],
            Cards = [.. (uplink?.Nics ?? []).Select(n => new ScreenCard(n.Name, n.Mac.ToString(), n.HasCarrier, n.Dhcp,
                [.. uplink!.Addresses.Where(a => a.Nic == n.Name).Select(a => $"{a.Address}/{a.PrefixLength}")]))],
            Disks =
                [.. (storage?.Disks ?? []).Select(d => new ScreenDisk(d.Name, d.Model ?? "", d.Serial, d.SizeBytes, d.State, d.Reason ?? "", d.Remedy ?? ""))],
            Usage = storage is null ? null : Usage(storage, parts.Machines?.Running.Count ?? 0),
            Now = DateTimeOffset.UtcNow,
            ClockSynced = parts.Clock?.Synced ?? false,
        };
    }

    /// <summary>For zos.node.status.</summary>
    public NodeFacts Status()
    {
        NodeParts parts = _parts;
        return new NodeFacts
        {
            Stage = parts.ReadyAfterSeconds is null ? "booting" : "ready",
            ReadyAfterSeconds = parts.ReadyAfterSeconds,
            Conditions = Conditions(parts),
            Update = parts.Updates?.Status,
            Disks = parts.Storage?.Disks ?? [],
            Addresses = [.. (parts.Uplink?.Current.Addresses ?? []).Select(a => $"{a.Address}/{a.PrefixLength}")],
        };
    }

    private ScreenUsage Usage(NodeStorage storage, int machines)
    {
        (long total, long free) = (NodeMemory.TotalBytes, NodeMemory.AvailableBytes);
        return new ScreenUsage(_processors.Percent(KernelFile.Read("/proc/stat")), Environment.ProcessorCount, total - free, total,
            storage.CapacityBytes - storage.FreeBytes, storage.CapacityBytes, !storage.Persistent, machines);
    }

    private static IReadOnlyList<NodeCondition> Conditions(NodeParts parts) =>
        [.. NeededByAll(parts).All, .. parts.Stopping ? [] : parts.Updates?.Conditions() ?? []];

    private static NodeConditions NeededByAll(NodeParts parts) => new()
    {
        Farm = parts.Settings?.Trouble,
        Locked = parts.Identity?.Locked,
        Uplink = parts.Uplink is { } uplink && uplink.Current.Conditions.Count > 0 ? uplink.Current : null,
        Clock = (parts.Clock is not null, parts.Clock?.Trouble),
        Persistent = parts.Storage?.Persistent,
        DiskTrouble = parts.Storage is { } storage ? storage.State.Trouble ?? Broken(storage) : null,
        CanVirtualize = File.Exists("/dev/kvm"),
        Limits = parts.Limits,
    };

    private static string? Broken(NodeStorage storage) => storage.Disks.FirstOrDefault(d => d.State == "broken") is { } disk
        ? $"disk {disk.Name} {disk.Serial} is broken: {disk.Reason}; the node goes on without it" : null;
}
