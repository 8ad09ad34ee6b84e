using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

using ZeroOS.Linux.NetworkNamespaces;

namespace ZeroOS.SystemTests.Bench;

/// <summary>A node booted in QEMU by qemu/run, known only by what it says on its serial line and its network.</summary>
internal sealed class QemuNode : IAsyncDisposable
{
    /// <summary>How often a machine whose first answer is awaited may end before it, at most.</summary>
    public const int Restarts = 4;

    private const int Killed = 137;

    private readonly Process _process;
    private bool _disposed;

    private QemuNode(Process process, string name) => (_process, Name) = (process, name);

    /// <summary>Its name; its files are in out/nodes/NAME.</summary>
    public string Name { get; }

    /// <summary>What it wrote to its serial line so far.</summary>
    public string Serial => File.Exists(SerialFile) ? ReadShared(SerialFile) : "";

    /// <summary>Whether QEMU still runs.</summary>
    public bool Alive => !_process.HasExited;

    /// <summary>Its folder, out/nodes/NAME: disk, UEFI variables, TPM, serial log.</summary>
    public string Folder => Checkout.Path("out", "nodes", Name);

    private string SerialFile => Path.Combine(Folder, "serial.log");

    /// <summary>Boots a node. Its disk, UEFI variables and TPM stay from one start to the next unless <paramref name="fresh"/>.</summary>
    public static QemuNode Start(string name, bool fresh, params string[] options) => Start(name, fresh, null, options);

    /// <summary>The same in a network namespace, where its network cards can be taps.</summary>
    public static QemuNode Start(string name, bool fresh, NetworkNamespace? space, params string[] options)
    {
        string folder = Checkout.Path("out", "nodes", name);
        if (fresh && Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        if (File.Exists(Path.Combine(folder, "serial.log")))
            File.Move(Path.Combine(folder, "serial.log"), Path.Combine(folder, "serial.previous.log"), overwrite: true);
        ProcessStartInfo start = new(Checkout.Path("qemu", "run"), ["--name", name, "--monitor", Path.Combine(folder, "qmp"), .. options])
        {
            WorkingDirectory = Checkout.Root,
            RedirectStandardInput = true,
        };
        return new QemuNode(space is null ? Process.Start(start)! : space.Run(() => Process.Start(start)!), name);
    }

    /// <summary>
    /// Switches on a machine that firmware boots and waits for its first answer, through further starts if a kernel panics: QEMU 7.2's cmpxchg16b (see
    /// qemu/run) ends about one start of fifteen, and the command line inside the built image does not keep the kernel from using it. More than
    /// <see cref="Restarts"/> are a failure; each is among the figures.
    /// </summary>
    /// <param name="start">Starts it; told whether it is again.</param>
    /// <param name="answer">Waits; throws a <see cref="NodeEndedException"/> when QEMU has ended.</param>
    public static async Task<(QemuNode Node, T Answer)> StartUnseen<T>(Func<bool, QemuNode> start, Func<QemuNode, Task<T>> answer)
    {
        for (int restarts = 0; ; restarts++)
        {
            QemuNode node = start(restarts > 0);
            try
            {
                return (node, await answer(node));
            }
            catch (Exception e) when (e is NodeEndedException or TimeoutException && !node.Alive && restarts < Restarts)
            {
                node.NoteRestart();
                await node.DisposeAsync();
            }
            catch (TimeoutException e) when (node.Alive)
            {
                await using QemuNode silent = node;
                await using Qmp monitor = await silent.Monitor();
                throw new TimeoutException($"{e.Message}\nits processors are at\n{await monitor.Processors()}\nits last words:\n{silent.Tail()}", e);
            }
            catch
            {
                await node.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>Says among the figures that this computer ended before it answered and is started again.</summary>
    public void NoteRestart() => Note($"{Name} restarted before it answered");

    /// <summary>Waits until a line of the serial log matches; returns the first group, or the match.</summary>
    public Task<string> Says(string pattern, TimeSpan deadline) => Eventually.Get($"{Name}: \"{pattern}\" on the serial line", deadline, () =>
    {
        Match match = Regex.Match(Serial, pattern);
        if (!match.Success && !Alive)
            throw new NodeEndedException($"{Name} ended before it said \"{pattern}\"; its last words:\n{Tail()}");
        return Task.FromResult(match.Success ? match.Groups[match.Groups.Count > 1 ? 1 : 0].Value : null);
    });

    /// <summary>QEMU's monitor; one connection at a time.</summary>
    public Task<Qmp> Monitor() => Qmp.Connect(Path.Combine(Folder, "qmp"));

    /// <summary>The last lines of the serial log, for a failing test's message.</summary>
    public string Tail(int lines = 40) => string.Join('\n', Serial.Split('\n').TakeLast(lines));

    /// <summary>
    /// The power goes: QEMU is killed. What the node wrote and did not flush is still in the host's cache; see <see cref="BlockLog"/> for a real cut.
    /// </summary>
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

    /// <summary>Kills it; more than once does nothing more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        // QEMU ends with 0 whatever the machine did; everything else is a fault of QEMU itself.
        if (!Alive && _process.ExitCode is not (0 or Killed))
            Note(string.Create(CultureInfo.InvariantCulture, $"{Name}: QEMU ended with {_process.ExitCode}"));
        await PowerOff();
        _process.Dispose();
    }

    private static void Note(string line) => File.AppendAllText(Checkout.Path("out", "test-results", "figures"), line + "\n");

    private static string ReadShared(string file)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
