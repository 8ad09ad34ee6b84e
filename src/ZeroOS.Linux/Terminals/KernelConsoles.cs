namespace ZeroOS.Linux;

/// <summary>Where the kernel prints its messages (/proc/consoles): on the screen, elsewhere, or both; and whether /dev/console is the screen.</summary>
public sealed record KernelConsoles(bool OnScreen, bool Elsewhere, bool ConsoleIsScreen)
{
    /// <summary>As the kernel has them now.</summary>
    public static KernelConsoles Current => Parse(KernelFile.TryRead("/proc/consoles", out _) ?? "");

    /// <summary>Reads lines like "tty0 -WU (EC p  ) 4:1": a name, and in brackets C for the one that is /dev/console.</summary>
    public static KernelConsoles Parse(string text)
    {
        KernelConsoles consoles = new(false, false, false);
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string flags = line.Contains('(', StringComparison.Ordinal) ? line[line.IndexOf('(', StringComparison.Ordinal)..] : "";
            // The screen's name is tty and a number; serial lines go on with letters.
            if (line.StartsWith("tty", StringComparison.Ordinal) && line.Length > 3 && char.IsAsciiDigit(line[3]))
                consoles = consoles with { OnScreen = true, ConsoleIsScreen = flags.Contains('C', StringComparison.Ordinal) };
            else
                consoles = consoles with { Elsewhere = true };
        }
        return consoles;
    }

    /// <summary>
    /// Keeps the kernel's messages off the page that a person reads. Where the screen is its only console it falls silent, but for what it says dying: a panic
    /// raises the level by itself, and is to be seen on whatever page is shown. Where there is a serial line too, that has the panic, and the rest goes to the
    /// second page.
    /// </summary>
    public void LeaveFirstTerminal(FileDescriptor terminal)
    {
        if (OnScreen && Elsewhere)
            _ = VirtualTerminal.RedirectKernelMessages(terminal, 2);
        else if (OnScreen)
            _ = KernelFile.TryWrite("/proc/sys/kernel/printk", "1");
    }
}
