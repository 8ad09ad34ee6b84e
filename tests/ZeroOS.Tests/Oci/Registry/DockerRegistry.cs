using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

using Xunit;

namespace ZeroOS.Tests.Oci.Registry;

/// <summary>Debian's docker-registry on loopback, in a directory of its own; stopped and removed with the object.</summary>
internal sealed class DockerRegistry : IDisposable
{
    private const string Program = "/usr/bin/docker-registry";
    private readonly string _directory = Directory.CreateTempSubdirectory("zeroos-registry-").FullName;
    private readonly HeldPort _port = new();
    private readonly string? _htpasswd;
    private Process? _process;

    private DockerRegistry(string? htpasswd) => _htpasswd = htpasswd;

    public Uri Url => new($"http://127.0.0.1:{_port.Number}");

    public string BlobDirectory => Path.Combine(_directory, "data/docker/registry/v2/blobs/sha256");

    public static async Task<DockerRegistry> StartAsync(string? htpasswd = null)
    {
        Skip.IfNot(File.Exists(Program), "docker-registry is not installed");
        DockerRegistry registry = new(htpasswd);
        await registry.ResumeAsync();
        return registry;
    }

    /// <summary>Goes away in the middle of things.</summary>
    public void Stop()
    {
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        _process = null;
    }

    /// <summary>Comes back with what it had.</summary>
    public async Task ResumeAsync()
    {
        string config = Path.Combine(_directory, "config.yml"), auth = "";
        if (_htpasswd is not null)
        {
            File.WriteAllText(Path.Combine(_directory, "htpasswd"), _htpasswd);
            auth = $"auth: {{ htpasswd: {{ realm: test, path: {_directory}/htpasswd }} }}\n";
        }
        File.WriteAllText(config, $"version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {_directory}/data }} }}\nhttp: {{ addr: "
            + $"127.0.0.1:{_port.Number} }}\n{auth}");
        _process = Process.Start(new ProcessStartInfo(Program, ["serve", config]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        for (DateTime deadline = DateTime.UtcNow.AddSeconds(20); ; await Task.Delay(20))
        {
            using TcpClient probe = new();
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, _port.Number);
                return;
            }
            catch (SocketException) when (DateTime.UtcNow < deadline && !_process.HasExited)
            {
            }
        }
    }

    public void Dispose()
    {
        Stop();
        _port.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
