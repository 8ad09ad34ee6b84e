using System.Diagnostics;
using System.Net.Sockets;

using ZeroOS.Formats.Tpm;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Formats.Tpm;

/// <summary>
/// A real swtpm process behind a unix socket, with a state folder of its own. Everything of ours speaks to it raw, tpm2-tools through a pipe: one at a time.
/// </summary>
internal sealed class SoftwareTpm : IDisposable
{
    private const string Program = "/usr/bin/swtpm";

    /// <summary>What carries a tool's commands from its pipe to the socket, whole commands and whole answers.</summary>
    private const string Bridge = """
        import socket, sys
        s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
        def whole(read):
            head = read(10)
            return head and head + read(int.from_bytes(head[2:6], "big") - 10)
        def answer(n):
            data = b""
            while len(data) < n: data += s.recv(n - len(data))
            return data
        while True:
            command = whole(sys.stdin.buffer.read)
            if not command: break
            s.sendall(command); sys.stdout.buffer.write(whole(answer)); sys.stdout.buffer.flush()
        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("zeroos-tpm-").FullName;
    private Process? _process;
    private Socket? _socket;

    private SoftwareTpm()
    {
    }

    /// <summary>A folder for the tools' files; goes away with the TPM.</summary>
    public string Folder => _directory;

    /// <summary>Where swtpm takes commands; its control channel is beside it, as libtss2's driver for swtpm expects.</summary>
    public string SocketPath => Path.Combine(_directory, "socket");

    /// <summary>PEM certificates of who made it, from the root down; only of a certified one.</summary>
    public string Authorities =>
        File.ReadAllText(Path.Combine(_directory, "ca", "swtpm-localca-rootca-cert.pem")) + File.ReadAllText(Path.Combine(_directory, "ca", "issuercert.pem"));

    /// <summary>A fresh one; <paramref name="certified"/>: with an endorsement key and its certificate, as a maker's tool puts them in.</summary>
    public static SoftwareTpm Start(bool certified = false)
    {
        Skip.IfNot(File.Exists(Program), "swtpm is not installed");
        SoftwareTpm tpm = new();
        Directory.CreateDirectory(Path.Combine(tpm._directory, "state"));
        File.WriteAllText(Path.Combine(tpm._directory, "bridge.py"), Bridge);
        if (certified)
            tpm.Certify();
        tpm.PowerOn();
        return tpm;
    }

    /// <summary>The machine was switched off and on: PCRs are zero again, objects and sessions gone.</summary>
    public void PowerCycle()
    {
        PowerOff();
        PowerOn();
    }

    public TpmClient Open() => new(Exchange);

    public byte[] Exchange(byte[] command)
    {
        _socket ??= Connect();
        _socket.Send(command);
        byte[] answer = new byte[4096];
        int have = 0;
        do
        {
            int read = _socket.Receive(answer.AsSpan(have));
            if (read == 0)
                throw new IOException("swtpm hung up");
            have += read;
        }
        while (have < 10 || have < (answer[4] << 8 | answer[5]));
        return answer[..have];
    }

    /// <summary>Runs one of tpm2-tools in the folder and returns what it prints.</summary>
    public string Tool(string name, params string[] arguments)
    {
        Skip.IfNot(File.Exists("/usr/bin/" + name), "tpm2-tools is not installed");
        _socket?.Dispose();
        _socket = null;
        ProcessStartInfo start = new("/usr/bin/" + name, arguments) { WorkingDirectory = _directory };
        start.Environment["TPM2TOOLS_TCTI"] = $"cmd:python3 {_directory}/bridge.py {SocketPath}";
        return ProgramRun.Of(start).Succeeded().Output;
    }

    public void Dispose()
    {
        PowerOff();
        Directory.Delete(_directory, recursive: true);
    }

    private void Certify()
    {
        Skip.IfNot(File.Exists("/usr/bin/swtpm_setup"), "swtpm-tools is not installed");
        string ca = Directory.CreateDirectory(Path.Combine(_directory, "ca")).FullName;
        File.WriteAllText(Path.Combine(ca, "setup.conf"), $"create_certs_tool= /usr/bin/swtpm_localca\ncreate_certs_tool_config = {ca}/ca.conf\n"
            + $"create_certs_tool_options = {ca}/options\nactive_pcr_banks = sha256\n");
        File.WriteAllText(Path.Combine(ca, "ca.conf"),
            $"statedir = {ca}\nsigningkey = {ca}/signkey.pem\nissuercert = {ca}/issuercert.pem\ncertserial = {ca}/serial\n");
        File.WriteAllText(Path.Combine(ca, "options"), "--platform-manufacturer test\n--platform-version 1\n--platform-model test\n");
        ProgramRun.Of("/usr/bin/swtpm_setup", "--tpm2", "--tpmstate", Path.Combine(_directory, "state"), "--create-ek-cert", "--config",
            Path.Combine(ca, "setup.conf")).Succeeded();
    }

    private void PowerOn()
    {
        _process = Process.Start(new ProcessStartInfo(Program,
            ["socket", "--tpm2", "--tpmstate", $"dir={_directory}/state", "--server", $"type=unixio,path={SocketPath}", "--ctrl",
                $"type=unixio,path={SocketPath}.ctrl", "--flags", "not-need-init,startup-clear"]))!;
        using Socket probe = Connect();
    }

    private void PowerOff()
    {
        _socket?.Dispose();
        _socket = null;
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        _process = null;
        File.Delete(SocketPath);
        File.Delete(SocketPath + ".ctrl");
    }

    private Socket Connect()
    {
        for (DateTime deadline = DateTime.UtcNow.AddSeconds(20); ;)
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(SocketPath));
                return socket;
            }
            catch (SocketException) when (DateTime.UtcNow < deadline && !_process!.HasExited)
            {
                socket.Dispose();
                _process.WaitForExit(10);
            }
        }
    }
}
