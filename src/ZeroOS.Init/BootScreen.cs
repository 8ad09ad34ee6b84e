using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>
/// PID 1's hand on the computer's screen: it sets the two virtual terminals and the keyboard up once, says what boots until role <c>node</c> takes over, and
/// what became of the node when it is gone. Nobody ever reads these terminals. Nothing here throws: a computer may have no screen.
/// </summary>
internal sealed class BootScreen
{
    private const int MostLines = 12, MostColumns = 200;
    private const string Plain = "\e[0;37m", Bright = "\e[0;1;37m", Trouble = "\e[0;1;33m";

    // All a person can do at the keyboard: look at the other page, and restart. Alt with the F keys is what Linux taught them, without is what they try.
    private static readonly IReadOnlyList<KeyBinding> s_keys =
    [
        .. from held in new[] { HeldKeys.None, HeldKeys.Ctrl, HeldKeys.Alt, HeldKeys.Ctrl | HeldKeys.Alt }
           from binding in new (KeyCode Key, KeyAction Action)[]
           {
               (KeyCode.LeftCtrl, KeyAction.HoldCtrl), (KeyCode.RightCtrl, KeyAction.HoldCtrl), (KeyCode.LeftAlt, KeyAction.HoldAlt),
               (KeyCode.RightAlt, KeyAction.HoldAlt), (KeyCode.F1, KeyAction.ShowTerminal1), (KeyCode.F2, KeyAction.ShowTerminal2),
           }
           select new KeyBinding(held, binding.Key, binding.Action),
        new(HeldKeys.Ctrl | HeldKeys.Alt, KeyCode.Delete, KeyAction.Restart),
        new(HeldKeys.Ctrl | HeldKeys.Alt, KeyCode.KeypadDot, KeyAction.Restart),
    ];

    private readonly FileDescriptor _page;

    private BootScreen(FileDescriptor page, FileDescriptor? logPage) => (_page, LogPage) = (page, logPage);

    /// <summary>The second virtual terminal, for the kernel's log.</summary>
    internal FileDescriptor? LogPage { get; }

    /// <summary>Sets the screen and the keyboard up; null where the kernel has none.</summary>
    internal static BootScreen? TryOpen()
    {
        FileDescriptor? page = OpenTerminal(1);
        if (page is null)
            return null;
        FileDescriptor? logPage = OpenTerminal(2);
        _ = ConsoleKeyboard.KeepOnly(page, s_keys);
        _ = VirtualTerminal.Show(page, 1);
        KernelConsoles.Current.LeaveFirstTerminal(page);
        return new BootScreen(page, logPage);
    }

    /// <summary>Clears the screen and says what boots.</summary>
    internal void Begin(string what) => Write($"{Glyphs.BeginPage}\e[1;1H{Bright} {Clean(what)}\r\n{Plain}");

    /// <summary>A step of the boot begins; if it hangs, this is what stays.</summary>
    internal void Step(string name) => Write($"\e[3;1H{Plain} starting: {Clean(name)}\e[K");

    /// <summary>Says something on the last row and leaves the rest as it is.</summary>
    internal void Say(string text)
    {
        (int rows, int columns) = VirtualTerminal.Size(_page) ?? (25, 80);
        string line = Clean(text);
        Write($"\e[{rows};1H{Trouble} {line[..Math.Min(line.Length, columns - 2)]}\e[K{Plain}");
    }

    /// <summary>PID 1 has failed: the reason takes the screen.</summary>
    internal void Fail(string why)
    {
        StringBuilder text = new($"{Glyphs.BeginPage}\e[?7h\e[1;1H{Trouble} ZeroOS cannot go on and restarts in ten seconds.\r\n\r\n{Plain}");
        foreach (string line in why.Split('\n').Take(MostLines))
            text.Append(' ').Append(Clean(line)).Append("\r\n");
        Write(text.ToString());
    }

    /// <summary>The page for role <c>node</c> to write to; null if it cannot be opened again.</summary>
    internal static FileDescriptor? OpenForNode() => FileDescriptor.TryOpen("/dev/tty1", OpenFlags.WriteOnly | OpenFlags.NoControllingTty, 0, out _);

    private static FileDescriptor? OpenTerminal(int number)
    {
        FileDescriptor? terminal = FileDescriptor.TryOpen($"/dev/tty{number}",
            OpenFlags.ReadWrite | OpenFlags.NoControllingTty | OpenFlags.NonBlocking, 0, out _);
        if (terminal is not null)
            _ = VirtualTerminal.SetRaw(terminal);
        return terminal;
    }

    private static string Clean(string text) => string.Concat(text.TrimEnd('\r').Take(MostColumns).Select(c => (char)Glyphs.Of(c)));

    // Latin-1 keeps every glyph the byte it is.
    private void Write(string text) => _ = _page.TryWrite(Encoding.Latin1.GetBytes(text), out _);
}
