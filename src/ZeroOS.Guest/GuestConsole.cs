using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Guest;

/// <summary>One line on the kernel's console, by write(2): the Console class installs a child reaper, which PID 1 must not have.</summary>
internal static class GuestConsole
{
    private static readonly FileDescriptor s_console = new(2);

    /// <summary>Writes "zguest: " and <paramref name="line"/>; a console that is not there is no error.</summary>
    internal static void Say(string line) => _ = s_console.TryWrite(Encoding.UTF8.GetBytes($"zguest: {line}\n"), out _);
}
