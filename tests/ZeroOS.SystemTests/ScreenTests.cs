using System.Text.RegularExpressions;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>
/// What a person in front of the machine sees, read back from the pixels, and what that person can do there: look. A machine with UEFI firmware, a framebuffer,
/// a USB keyboard and no serial line, as most are.
/// </summary>
public sealed class ScreenTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(60);

    // Everything that stops, breaks or leaves a console elsewhere, and words for a shell that is not there.
    private static readonly string[][] s_mischief =
    [
        ["ctrl", "s"], ["ctrl", "c"], ["ctrl", "z"], ["ctrl", "d"], ["ctrl", "backslash"], ["scroll_lock"], ["pause"], ["print"], ["alt", "sysrq", "b"],
        ["alt", "f3"], ["alt", "right"], ["alt", "left"], ["ctrl", "alt", "f7"], ["shift", "pgup"], ["shift", "pgdn"], ["caps_lock"], ["num_lock"],
        ["insert"], ["esc"], ["r"], ["e"], ["b"], ["o"], ["o"], ["t"], ["ret"],
        ["alt_r", "scroll_lock"], ["ctrl", "scroll_lock"], ["shift", "scroll_lock"], ["f5"], ["tab"], ["ctrl", "l"],
    ];

    [SkippableFact]
    public async Task A_person_in_front_of_the_machine_reads_who_it_is_and_what_it_lacks_and_changes_nothing()
    {
        Skip.IfNot(File.Exists("/usr/share/OVMF/OVMF_CODE_4M.fd"), "ovmf is not installed");
        Skip.IfNot(File.Exists("/usr/bin/zbarimg"), "zbar-tools is not installed");
        await using World world = await World.Make("screen");
        KernelFont font = KernelFont.OfHost();
        string image = await BootableImage.WithoutSerial(Path.Combine(world.Folder, "image"));
        await world.BootUnseen(options: ["--efi", "--image", image, "--screen", "--no-serial", "--usb"]);
        await using Qmp qmp = await world.Node.Monitor();
        Task<ScreenPicture> See(params string[] sentences) => SeeSo(_ => null, sentences);
        // A picture may be taken while the screen is painted: what is wrong with this one may be right on the next.
        Task<ScreenPicture> SeeSo(Func<ScreenPicture, string?> fault, params string[] sentences) => Eventually.Get(
            $"\"{string.Join("\", \"", sentences)}\" on the screen", s_soon, async () =>
        {
            ScreenPicture picture = await ScreenPicture.Take(qmp, font, world.Folder);
            string? absent = sentences.FirstOrDefault(s => !picture.Words.Contains(s, StringComparison.Ordinal));
            string? wrong = absent is null ? fault(picture) : $"\"{absent}\" is not there";
            return wrong is null ? picture : throw new InvalidOperationException($"{wrong}:\n{string.Join('\n', picture.Lines)}");
        });

        ScreenPicture ready = await SeeSo(p => Regex.IsMatch(p.Lines[0], "^ ZeroOS [0-9.]+  [0-9a-f]{12} ") ? null : "the title is another",
            $"node id {world.NodeKey} farm screen address 10.0.2.15/24", "state ready after", "tier open", "machines 0 running",
            "disk vda 8.0 GiB in use", "zos-disk-0", "card eth0 52:54:00:", "F1 this page F2 kernel log");
        output.WriteLine(string.Join('\n', ready.Lines));
        Assert.Equal((50, 160), (ready.Lines.Length, ready.Lines[0].Length));
        await Eventually.Get($"{world.NodeKey} as a code on the screen", s_soon, async () =>
        {
            string? code = await ScreenPicture.ReadCode(qmp, world.Folder);
            return code == world.NodeKey ? code : throw new InvalidOperationException($"the code is {code}");
        });
        await ScreenPicture.Keep(qmp, Path.Combine(world.Folder, "ready.png"));

        await qmp.SendKeys("alt", "f2");
        await SeeSo(p => p.Lines[1].Contains("node id", StringComparison.Ordinal) ? "the first page is still there" : null, "zeroos: ready after");
        await ScreenPicture.Keep(qmp, Path.Combine(world.Folder, "log.png"));
        await qmp.SendKeys("f1");
        await See($"node id {world.NodeKey} farm screen", "state ready after");

        foreach (string[] keys in s_mischief)
            await qmp.SendKeys(keys);
        // It is still the same page, and still a living one.
        await qmp.SetLink("nic0", false);
        ScreenPicture cut = await SeeSo(
            p => p.Lines.Any(l => l.Contains('\uFFFD', StringComparison.Ordinal) && !l.Contains('\u2588', StringComparison.Ordinal)) ? "unreadable" : null,
            $"node id {world.NodeKey} farm screen", "network no card has a carrier: is the cable plugged in?", "no cable");
        Assert.DoesNotContain("reboot", string.Concat(cut.Lines), StringComparison.Ordinal);
        await ScreenPicture.Keep(qmp, Path.Combine(world.Folder, "no-network.png"));
        await qmp.SetLink("nic0", true);
        await See("address 10.0.2.15/24");

        await qmp.SendKeys("ctrl", "alt", "delete");
        await world.Node.Ended(s_soon);
    }
}
