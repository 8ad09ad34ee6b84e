using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Guest.Setup;

/// <summary>
/// One line on the kernel's console, through the kernel's log: it is written there and then, by polling, while a terminal waits for an interrupt that a bare
/// machine may never deliver. Never the Console class: it installs a child reaper, which PID 1 must not have.
/// </summary>
internal static class GuestConsole
{
    // "Error" (3) is what a console still shows on a quiet command line.
    private const string Level = "<3>";
    private static readonly FileDescriptor s_console = OpenLog() ?? new FileDescriptor(2);

    /// <summary>Writes "zguest: " and <paramref name="line"/>; a console that is not there is no error.</summary>
    internal static void Say(string line) => _ = s_console.TryWrite(Encoding.UTF8.GetBytes($"{Level}zguest: {line}\n"), out _);

    // The first line comes before /dev is mounted, and the initramfs holds no device but the console.
    private static FileDescriptor? OpenLog()
    {
        const string Path = "/dev/kmsg";
        try
        {
            if (FileEntry.TryStatus(Path) is null)
                FileEntry.Make(Path, EntryKind.CharacterDevice, Mode.OwnerOnly, FileEntry.Device(1, 11));
        }
        catch (LinuxException)
        {
            return null;
        }
        return FileDescriptor.TryOpen(Path, OpenFlags.WriteOnly, 0, out _);
    }
}
