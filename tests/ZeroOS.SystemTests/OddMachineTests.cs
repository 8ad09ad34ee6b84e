using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>
/// Machines that lack something, or have something odd: each works, or says on its screen what is missing. Text screens, as BIOS firmware leaves them.
/// </summary>
public sealed class OddMachineTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(120);

    [SkippableFact]
    [Trait("length", "long")]
    public async Task Without_disk_settings_memory_or_a_right_clock_with_one_dead_card_late_dhcp_and_garbage_on_the_command_line_it_says_so_and_runs()
    {
        // The kernel keeps 2,047 characters of its command line and no more than 32 words that it does not know; behind a longer one nothing boots in QEMU.
        string garbage = new string('x', 1500) + " root=/dev/sda1 init=/bin/sh zeroos.owner=mallory zeroos.name=odd-1";
        Skip.IfNot(Lan.Missing is null, Lan.Missing);
        await using Lan lan = new();
        await using QemuNode node = QemuNode.Start("odd", fresh: true, lan.Space, "--screen", "--disk", "none", "--memory", "512",
            "--rtc", "2011-11-11T11:11:11", "--netdev", lan.Card(), "--netdev", "user", "--append", garbage);
        await using Qmp qmp = await node.Monitor();
        await qmp.SetLink("nic1", false);
        string id = await node.Says("zeroos: node id: ([1-9A-HJ-NP-Za-km-z]{40,44})", s_soon);

        ScreenPicture bare = await See(qmp, $"node id {id} farm none address none", "odd-1", "state ready after", "farm no farm settings",
            "network no address yet: no DHCP server answers",
            "clock no time server", "storage no usable disk: everything is in memory and is lost with the power", "machines too little memory for any machine");
        output.WriteLine(string.Join('\n', bare.Lines));
        Assert.Equal((25, 80), (bare.Lines.Length, bare.Lines[0].Length));
        Assert.DoesNotContain("2011", bare.Lines[0], StringComparison.Ordinal); // the clock is at least as late as the image's sources
        Assert.Equal(id, await ScreenPicture.ReadCode(qmp, node.Folder));
        await ScreenPicture.Keep(qmp, Path.Combine(node.Folder, "bare.png"));

        lan.GiveAddresses(Checkout.Scratch("odd"));
        await See(qmp, "address 10.0.2.15/24");
        await qmp.SendKeys("f2");
        await See(qmp, "zeroos: ");
        await qmp.SendKeys("alt", "f1");
        await See(qmp, $"node id {id}");
    }

    [SkippableFact]
    [Trait("length", "long")]
    public async Task A_dhcp_server_that_comes_after_minutes_is_found_and_the_screen_waits_with_the_reason()
    {
        Skip.IfNot(Lan.Missing is null, Lan.Missing);
        await using Lan lan = new();
        await using QemuNode node = QemuNode.Start("late-dhcp", fresh: true, lan.Space, "--screen", "--netdev", lan.Card());
        await using Qmp qmp = await node.Monitor();
        await node.Says("zeroos: ready", s_soon);
        DateTime late = DateTime.UtcNow + TimeSpan.FromMinutes(3);
        while (DateTime.UtcNow < late)
        {
            await See(qmp, "network no address yet: no DHCP server answers");
            await Task.Delay(TimeSpan.FromSeconds(10));
        }
        lan.GiveAddresses(Checkout.Scratch("late-dhcp"));
        await See(qmp, "address 10.0.2.15/24");
    }

    [Theory]
    [Trait("length", "long")]
    [InlineData("--nic", "none", "network no wired card found")]
    [InlineData("--cpus", "1", "cpu")]
    [InlineData("--nic", "e1000e", "address 10.0.2.15/24")]
    public async Task Odd_hardware_works_or_is_named(string option, string value, string sentence)
    {
        await using QemuNode node = QemuNode.Start("odd-hardware", fresh: true, "--screen", option, value);
        await using Qmp qmp = await node.Monitor();
        await See(qmp, "state ready after", sentence);
    }

    private static Task<ScreenPicture> See(Qmp qmp, params string[] sentences) => Eventually.Get(
        $"\"{string.Join("\", \"", sentences)}\" on the screen", s_soon, async () =>
    {
        ScreenPicture picture = await ScreenPicture.TakeText(qmp, Path.GetTempPath());
        return sentences.FirstOrDefault(s => !picture.Words.Contains(s, StringComparison.Ordinal)) is { } absent
            ? throw new InvalidOperationException($"\"{absent}\" is not among:\n{string.Join('\n', picture.Lines)}") : picture;
    });
}
