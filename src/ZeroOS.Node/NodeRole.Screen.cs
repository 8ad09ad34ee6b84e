using System.Globalization;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Host.Network;
using ZeroOS.Host.Storage;
using ZeroOS.Linux;
using ZeroOS.Node.Screen;

namespace ZeroOS.Node;

/// <summary>What the screen is told. Its thread asks at any moment of the start: what is not there yet is left out.</summary>
internal sealed partial class NodeRole
{
    private static readonly Dictionary<string, string> s_stages = new(StringComparer.Ordinal)
    {
        ["settings"] = "reads the farm settings",
        ["storage"] = "looks at the disks",
        ["identity"] = "looks for its identity",
        ["uplink"] = "brings the network up",
        ["images"] = "opens its images",
        ["engine"] = "takes up its machines",
        ["bus"] = "opens the bus",
    };

    private readonly ProcessorMeter _processors = new();
    private NodeScreen _screen = null!;
    private volatile string _stage = "starting";
    private volatile bool _stopping; // the store is closed under whoever still asks

    private void OnScreen(string step)
    {
        _stage = $"starting: {s_stages.GetValueOrDefault(step, step)}";
        _screen.Show();
    }

    private ScreenFacts Seen()
    {
        (ImageRelease release, UplinkState? uplink, NodeStorage? storage) = (ImageRelease.Current, _uplink?.Current, _storage);
        return new ScreenFacts
        {
            Name = Environment.GetEnvironmentVariable("ZEROOS_NAME") ?? "",
            Version = release.Version.ToString(3),
            ImageDigest = release.Digest,
            NodeId = _identity?.Id.Text,
            Farm = _settings?.Name,
            Tier = _identity is null ? null : _attestor?.Tier ?? _who.Tier,
            Stage = _stage,
            Ready = _readyAfter is not null,
            Conditions = Conditions(),
            Addresses = [.. (uplink?.Addresses ?? []).Select(a => $"{a.Address}/{a.PrefixLength}")],
            Cards = [.. (uplink?.Nics ?? []).Select(n => new ScreenCard(n.Name, n.Mac.ToString(), n.HasCarrier, n.Dhcp,
                [.. uplink!.Addresses.Where(a => a.Nic == n.Name).Select(a => $"{a.Address}/{a.PrefixLength}")]))],
            Disks = [.. (storage?.Disks ?? []).Select(d => new ScreenDisk(d.Name, BlockDisk.ModelOf(d.Name), d.Serial, d.SizeBytes, d.State, d.Reason ?? ""))],
            Usage = storage is null ? null : Usage(storage),
            Now = DateTimeOffset.UtcNow,
            ClockSynced = _clock?.Synced ?? false,
        };
    }

    private ScreenUsage Usage(NodeStorage storage)
    {
        (long total, long free) = (MemoryBytes(), MemoryBytes("MemAvailable"));
        return new ScreenUsage(_processors.Percent(KernelFile.Read("/proc/stat")), Environment.ProcessorCount, total - free, total,
            storage.CapacityBytes - storage.FreeBytes, storage.CapacityBytes, !storage.Persistent, _machines?.Running.Count ?? 0);
    }

    private IReadOnlyList<NodeCondition> Conditions() => [.. NeededByAll().All, .. _stopping ? [] : _updates?.Conditions() ?? []];

    private NodeConditions NeededByAll() => new()
    {
        Farm = _settings is null ? _noFarm : null,
        Locked = _who.Locked,
        Uplink = _uplink is { } uplink && uplink.Current.Conditions.Count > 0 ? uplink.Current : null,
        Clock = (_clock is not null, _clock?.Trouble),
        Persistent = _storage?.Persistent,
        CanVirtualize = File.Exists("/dev/kvm"),
        Limits = _limits,
    };

    private static long MemoryBytes(string which = "MemTotal")
    {
        string line = KernelFile.Read("/proc/meminfo").Split('\n').First(l => l.StartsWith(which + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
