namespace ZeroOS.Contracts.Sessions;

/// <summary>One process of a workload, as the machine's kernel shows it. It may call itself anything.</summary>
public sealed record ProcessEntry
{
    /// <summary>Bytes of a command line that are read.</summary>
    public const int MaxCommandBytes = 4096;

    /// <summary>Its number, as the workload sees it.</summary>
    public required int Id { get; init; }

    /// <summary>That of its parent; 0: the parent is not the workload's.</summary>
    public required int Parent { get; init; }

    /// <summary>The number of the user whose rights it has.</summary>
    public required uint User { get; init; }

    /// <summary>One letter of proc_pid_stat(5): R runs, S sleeps, Z has ended.</summary>
    public required string State { get; init; }

    /// <summary>Threads.</summary>
    public int Threads { get; init; }

    /// <summary>When it began, milliseconds since 1970, by the machine's clock.</summary>
    public long StartMs { get; init; }

    /// <summary>Processor time, in milliseconds.</summary>
    public long CpuMs { get; init; }

    /// <summary>Thousandths of one processor that it had over its life.</summary>
    public int CpuPer1000 { get; init; }

    /// <summary>Thousandths of the machine's memory that it has.</summary>
    public int MemoryPer1000 { get; init; }

    /// <summary>Address space, in KiB.</summary>
    public long VirtualKib { get; init; }

    /// <summary>Memory, in KiB.</summary>
    public long ResidentKib { get; init; }

    /// <summary>Its terminal as "pts/0"; null: none.</summary>
    public string? Terminal { get; init; }

    /// <summary>Program and arguments with blanks between, or its name in brackets where it has none.</summary>
    public required string Command { get; init; }
}
