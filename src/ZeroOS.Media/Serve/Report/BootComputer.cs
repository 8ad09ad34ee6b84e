using System.Net;

namespace ZeroOS.Media.Serve.Report;

/// <summary>One computer of the live list. Only <see cref="BootWatch"/> changes it, under its lock.</summary>
internal sealed class BootComputer(string name)
{
    /// <summary>Its card's address; its IP address when the card is not known.</summary>
    public string Name { get; } = name;

    /// <summary>Its IP address, once known.</summary>
    public IPAddress? Address { get; set; }

    /// <summary>What it is, in words.</summary>
    public string Kind { get; set; } = "";

    /// <summary>What it does.</summary>
    public string State { get; set; } = "";

    /// <summary>What it loads or loaded last.</summary>
    public BootDownload? Download { get; set; }

    /// <summary>Bytes a second of that, as of late.</summary>
    public double Rate { get; set; }

    /// <summary>When it was last heard of (the clock's time stamp).</summary>
    public long Heard { get; set; }

    /// <summary>It loaded the last file of its way: the next that it says as a system means that it runs.</summary>
    public bool HasSystem { get; set; }

    /// <summary>For <see cref="Rate"/>: the bytes at the last look, and when that was.</summary>
    public (long Bytes, long At) Look { get; set; }
}
