using System.Diagnostics;
using System.Text.RegularExpressions;

namespace ZeroOS.SystemTests.Bench;

/// <summary>A node booted in QEMU by qemu/run, known only by what it says on its serial line and its network.</summary>
internal sealed class QemuNode : IAsyncDisposable
{
    private readonly Process _process;

    private QemuNode(Process process, string name) => (_process, Name) = (process, name);

    /// <summary>Its name; its files are in out/nodes/NAME.</summary>
    public string Name { get; }

    /// <summary>What it wrote to its serial line so far.</summary>
    public string Serial => File.Exists(SerialFile) ? ReadShared(SerialFile) : "";

    /// <summary>Whether QEMU still runs.</summary>
    public bool Alive => !_process.HasExited;

    private string SerialFile => Checkout.Path("out", "nodes", Name, "serial.log");

    /// <summary>Boots a node. Its disk stays from one start to the next unless <paramref name="fresh"/>.</summary>
    public static QemuNode Start(string name, bool fresh, params string[] options)
    {
        string folder = Checkout.Path("out", "nodes", name);
        if (fresh && Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        if (File.Exists(Path.Combine(folder, "serial.log")))
            File.Move(Path.Combine(folder, "serial.log"), Path.Combine(folder, "serial.previous.log"), overwrite: true);
        Process process = Process.Start(new ProcessStartInfo(Checkout.Path("qemu", "run"), ["--name", name, .. options]) { WorkingDirectory = Checkout.Root, RedirectStandardInput = true })!;
        return new QemuNode(process, name);
    }

    /// <summary>Waits until a line of the serial log matches; returns the first group, or the match.</summary>
    public Task<string> Says(string pattern, TimeSpan deadline) => Eventually.Get($"{Name}: \"{pattern}\" on the serial line", deadline, () =>
    {
        Match match = Regex.Match(Serial, pattern);
        if (!match.Success && !Alive)
            throw new TimeoutException($"{Name} ended before it said \"{pattern}\"; its last words:\n{Tail()}");
        return Task.FromResult(match.Success ? match.Groups[match.Groups.Count > 1 ? 1 : 0].Value : null);
    });

    /// <summary>The last lines of the serial log, for a failing test's message.</summary>
    public string Tail(int lines = 40) => string.Join('\n', Serial.Split('\n').TakeLast(lines));

    /// <summary>The power goes: QEMU is killed. What the node wrote and did not flush is still in the host's cache; see <see cref="BlockLog"/> for a real cut.</summary>
    public async Task PowerOff()
    {
        if (Alive)
            _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Waits until the node has powered itself off or asked for a reset (QEMU runs with -no-reboot).</summary>
    public async Task Ended(TimeSpan deadline)
    {
        using CancellationTokenSource timer = new(deadline);
        await _process.WaitForExitAsync(timer.Token);
    }

    /// <summary>Kills it.</summary>
    public async ValueTask DisposeAsync()
    {
        await PowerOff();
        _process.Dispose();
    }

    private static string ReadShared(string file)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
