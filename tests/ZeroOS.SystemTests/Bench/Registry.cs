using System.Diagnostics;
using System.Globalization;

namespace ZeroOS.SystemTests.Bench;

/// <summary>Debian's docker-registry on loopback; a node in QEMU reaches it as 10.0.2.2.</summary>
internal sealed class Registry : IDisposable
{
    private readonly Process _process;

    private Registry(Process process, int port) => (_process, Port) = (process, port);

    /// <summary>Where it listens on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Its address for the workstation.</summary>
    public string Here => $"http://127.0.0.1:{Port}";

    /// <summary>Its address for a node in QEMU, as farm settings name it.</summary>
    public string ForNode => $"http://10.0.2.2:{Port}";

    /// <summary>Starts it on <paramref name="port"/> (0: any), storing into <paramref name="folder"/>, and waits until it answers.</summary>
    public static async Task<Registry> Start(string folder, int port = 0)
    {
        port = port == 0 ? Ports.Free() : port;
        Directory.CreateDirectory(folder);
        string config = Path.Combine(folder, "config.yml");
        await File.WriteAllTextAsync(config, string.Create(CultureInfo.InvariantCulture,
            $"version: 0.1\nlog: {{ level: error, accesslog: {{ disabled: true }} }}\nstorage: {{ filesystem: {{ rootdirectory: {folder}/data }} }}\n"
            + $"http: {{ addr: 127.0.0.1:{port} }}\n"));
        Process process = Process.Start(new ProcessStartInfo("docker-registry", ["serve", config])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true
        })!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        Registry registry = new(process, port);
        using HttpClient http = new();
        await Eventually.Get("an answer of docker-registry", TimeSpan.FromSeconds(20), async () => await http.GetAsync(new Uri($"{registry.Here}/v2/")));
        return registry;
    }

    /// <summary>Kills it.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }
}
