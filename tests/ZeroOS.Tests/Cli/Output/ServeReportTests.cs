using System.Net;
using System.Text.Json;

using ZeroOS.Cli.Output;
using ZeroOS.Linux.Netlink;
using ZeroOS.Media.Serve.Dhcp;
using ZeroOS.Media.Serve.Report;
using ZeroOS.Tests.Media.Serve;

namespace ZeroOS.Tests.Cli.Output;

public sealed class ServeReportTests
{
    private readonly StringWriter _out = new();

    private ServeReport Report(bool json) =>
        new(new Terminal(_out, TextWriter.Null, Stream.Null, Stream.Null, interactive: false, _ => null), json, TimeProvider.System);

    [Fact]
    public void A_log_has_a_line_for_each_thing_and_json_an_object()
    {
        foreach (bool json in new[] { false, true })
        {
            BootWatch watch = new(TimeProvider.System, Report(json).Say, _ => null);
            watch.Asked(Bytes.Card, ClientKind.BiosPxe, "undionly.kpxe", 0);
            watch.Asked(Bytes.Card, ClientKind.BiosPxe, "undionly.kpxe", 0); // again: not said again
            watch.Assigned(Bytes.Card, IPAddress.Parse("10.0.0.9"));
            watch.Begin(IPAddress.Parse("10.0.0.9"), "undionly.kpxe", 70_000, "TFTP").End("it stopped answering");
        }
        string[] lines = _out.ToString().Trim().Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.EndsWith("52:54:00:12:34:56, BIOS PXE: asks to be booted, is sent to undionly.kpxe", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("52:54:00:12:34:56 (10.0.0.9), BIOS PXE: does not have undionly.kpxe, only 0 bytes: it stopped answering", lines[1],
            StringComparison.Ordinal);
        using JsonDocument failed = JsonDocument.Parse(lines[3]);
        Assert.Equal("failed", failed.RootElement.GetProperty("event").GetString());
        Assert.Equal(70_000, failed.RootElement.GetProperty("totalBytes").GetInt64());
    }

    [Fact]
    public void A_row_says_how_far_and_how_fast_and_foreign_names_cannot_move_the_cursor()
    {
        Assert.Equal("52:54:00:12:34:56  10.0.0.9         UEFI PXE   loads zeroos.efi by TFTP   50 % of 23.0 MB, 4.5 MB/s",
            ServeReport.Row(new BootRow("52:54:00:12:34:56", "10.0.0.9", "UEFI PXE", "loads zeroos.efi by TFTP", "zeroos.efi", 11_500_000, 23_000_000, 4.5e6)));
        BootWatch watch = new(TimeProvider.System, Report(json: false).Say, _ => null);
        watch.Refused(IPAddress.Loopback, "\u001b[2J" + new string('x', 500), "TFTP");
        Assert.DoesNotContain('\u001b', _out.ToString());
        Assert.InRange(_out.ToString().Length, 60, 200);
        Assert.DoesNotContain('\u001b', ServeReport.Row(Assert.Single(watch.Look())));
    }

    [Fact]
    public void Ten_thousand_invented_cards_keep_the_list_bounded()
    {
        BootWatch watch = new(TimeProvider.System, _ => { }, _ => null);
        for (int i = 0; i < 10_000; i++)
        {
            MacAddress mac = new([2, 0, 0, 0, (byte)(i >> 8), (byte)i]);
            watch.Asked(mac, ClientKind.UefiPxe, "zeroos.efi", 7);
            watch.Assigned(mac, new IPAddress([10, 0, (byte)(i >> 8), (byte)i]));
        }
        Assert.Equal(1024, watch.Look().Count);
    }
}
