using ZeroOS.Contracts.Bus;
using ZeroOS.Node.Screen;

namespace ZeroOS.Tests.Node.Screen;

/// <summary>Facts of nodes as tests meet them.</summary>
internal static class ScreenBench
{
    internal const string NodeId = "6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2";

    internal static ScreenFacts Booting { get; } = new()
    {
        Version = "0.3.0",
        ImageDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        Stage = "starting: looks at the disks",
        Now = new DateTimeOffset(2011, 11, 11, 0, 0, 0, TimeSpan.Zero),
    };

    internal static ScreenFacts Ready { get; } = Booting with
    {
        Name = "rack-7",
        NodeId = NodeId,
        Farm = "Grünes Tal",
        Tier = "open",
        Stage = "ready after 3.2 s",
        Ready = true,
        Conditions = [Well("network"), Well("clock"), Well("storage"), Well("machines")],
        Addresses = ["10.0.2.15/24", "fec0::5054:ff:fe12:3456/64"],
        Cards = [new ScreenCard("eth0", "52:54:00:12:34:56", true, "bound", ["10.0.2.15/24"]),
            new ScreenCard("eth1", "52:54:00:12:34:57", false, "stopped", [])],
        Disks = [new ScreenDisk("nvme0n1", "Samsung SSD 990 PRO 2TB", "S7DNNJ0W", 2L << 40, "ours", "in use"),
            new ScreenDisk("sda", "", "", 8L << 30, "foreign", "holds ext4")],
        Usage = new ScreenUsage(12, 8, 3L << 30, 16L << 30, 1L << 30, 8L << 30, false, 3),
        Now = new DateTimeOffset(2026, 11, 25, 22, 57, 0, TimeSpan.Zero),
        ClockSynced = true,
    };

    internal static ScreenFacts Bare { get; } = Booting with
    {
        NodeId = NodeId,
        Tier = "open",
        Stage = "ready after 3.2 s",
        Ready = true,
        Conditions =
        [
            Missing("farm", "no farm settings: the node says who it is and refuses the rest (zos farm new makes them)"),
            Missing("network", "no card has a carrier: is the cable plugged in?"),
            Missing("clock", "no time server has answered yet"),
            Missing("storage", "no usable disk: everything is in memory and is lost with the power"),
            Missing("machines", "no machine can run: the processor offers no virtualization; switch it on in the firmware's setup (VT-x, AMD-V, SVM)"),
        ],
        Cards = [new ScreenCard("eth0", "52:54:00:12:34:56", false, "stopped", [])],
        Disks = [new ScreenDisk("vda", "", "zos-disk-0", 8L << 30, "empty", "nothing on it")],
        Usage = new ScreenUsage(1, 1, 200L << 20, 480L << 20, 0, 240L << 20, true, 0),
    };

    internal static NodeCondition Well(string name) => new() { Name = name, Ok = true };

    internal static NodeCondition Missing(string name, string message) => new() { Name = name, Ok = false, Reason = "no", Message = message };

    internal static string[] Lines(ScreenPage page) => [.. Enumerable.Range(0, page.Rows).Select(page.Line)];

    /// <summary>All of the page as words, so that a sentence is found however it was broken into lines.</summary>
    internal static string Words(ScreenPage page, int columns) =>
        string.Join(' ', string.Join(' ', Lines(page).Select(l => l[..Math.Min(columns, l.Length)])).Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
