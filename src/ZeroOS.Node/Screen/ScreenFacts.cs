using ZeroOS.Contracts.Bus;

namespace ZeroOS.Node.Screen;

/// <summary>All that a person in front of the computer may know, at one moment: nothing of any tenant's but how many machines run.</summary>
internal sealed record ScreenFacts
{
    /// <summary>What the computer is called by its command line, or empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>Version of the image.</summary>
    public required string Version { get; init; }

    /// <summary>Digest of the image, "sha256:…".</summary>
    public required string ImageDigest { get; init; }

    /// <summary>Key id, once there is one.</summary>
    public string? NodeId { get; init; }

    /// <summary>The farm's name, if there are settings.</summary>
    public string? Farm { get; init; }

    /// <summary>How far its identity is protected: the tier of zos.node.info.</summary>
    public string? Tier { get; init; }

    /// <summary>What it does: a step of the start, "ready after 3 s", "stopping".</summary>
    public required string Stage { get; init; }

    /// <summary>It has started in full.</summary>
    public bool Ready { get; init; }

    /// <summary>What is well and what is not.</summary>
    public IReadOnlyList<NodeCondition> Conditions { get; init; } = [];

    /// <summary>Addresses with their prefix lengths.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Wired network cards.</summary>
    public IReadOnlyList<ScreenCard> Cards { get; init; } = [];

    /// <summary>Disks.</summary>
    public IReadOnlyList<ScreenDisk> Disks { get; init; } = [];

    /// <summary>How much is in use, once that is known.</summary>
    public ScreenUsage? Usage { get; init; }

    /// <summary>The clock, in UTC.</summary>
    public DateTimeOffset Now { get; init; }

    /// <summary>Time servers agree with it.</summary>
    public bool ClockSynced { get; init; }
}

/// <summary>A network card: name, hardware address, whether a cable is in it, the word for its DHCP, its addresses.</summary>
internal sealed record ScreenCard(string Name, string Mac, bool HasCarrier, string Dhcp, IReadOnlyList<string> Addresses);

/// <summary>A disk: name, model, serial number, size in bytes, state (docs/storage.md), why, and what helps.</summary>
internal sealed record ScreenDisk(string Name, string Model, string Serial, long SizeBytes, string State, string Reason, string Remedy = "");

/// <summary>What is in use: percent of all processors; memory and storage in bytes; machines that run.</summary>
internal sealed record ScreenUsage(int CpuPercent, int Cpus, long MemoryUsed, long MemoryTotal, long StorageUsed, long StorageTotal, bool StorageIsMemory,
    int Machines);
