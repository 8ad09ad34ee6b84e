using System.CommandLine;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Docker;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos docker: Docker's own clients against a node that has no Docker.</summary>
internal static class DockerVerb
{
    private static readonly Option<string?> s_socket = new("--socket")
    {
        HelpName = "PATH",
        Description = "listen at this unix socket (default: zos/NODE.sock in XDG_RUNTIME_DIR)"
    };

    public static Command Build(Terminal terminal)
    {
        Command command = new("docker",
            "Listen on a unix socket as Docker's engine would, until Ctrl-C: docker and docker compose then work against a node. Each container is a machine.")
        {
            s_socket,
        };
        Session.Set(command, terminal, RunAsync, lasting: true);
        return command;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed)
    {
        Func<NodeClient> connect = session.Connector();
        Lock complaining = new();
        string path = Path.GetFullPath(parsed.GetValue(s_socket) ?? UsualPath(session.NodeName));
        await using DockerServer server = new(path, connect, session.Registries(), session.NodeName, Complain);
        try
        {
            await server.RunAsync(() => session.Terminal.Out.WriteLine($"docker context create {session.NodeName} --docker host=unix://{path}"),
                session.Cancellation);
        }
        catch (OperationCanceledException) when (session.Interrupted)
        {
            // Ctrl-C is how it ends
        }
        return 0;

        void Complain(string sentence)
        {
            lock (complaining)
                session.Terminal.Complain(sentence);
        }
    }

    private static string UsualPath(string node) => Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } folder
        ? Path.Combine(folder, "zos", $"{node}.sock")
        : throw new CliException("XDG_RUNTIME_DIR is not set; say where the socket is to be with --socket PATH", CliException.Usage);
}
