using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>Second programs in containers, each over a session of the bus.</summary>
internal sealed class Exec(DockerApi api)
{
    /// <summary>Instances that are remembered; the oldest is forgotten first.</summary>
    public const int Remembered = 256;

    private const int NotExecutable = 126, NotFound = 127;

    private readonly ConcurrentDictionary<string, ExecInstance> _instances = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _order = new();

    /// <summary>POST /containers/{id}/exec</summary>
    public async Task CreateAsync(DockerCall call)
    {
        JsonObject body = await call.ReadAsync();
        Container container = await api.Mirror.FindAsync(call.Name);
        if (!container.IsRunning)
            throw DockerFault.Conflict($"container {container.Id} is not running");
        IReadOnlyList<string> command = body.Strings("Cmd") is { Count: > 0 } cmd ? cmd : throw DockerFault.Bad("No exec command specified");
        ExecInstance instance = new()
        {
            Id = Containers.NewId(),
            ContainerId = container.Id,
            Machine = container.Address,
            Tty = body.Flag("Tty"),
            Wanted = (body.Flag("AttachStdout"), body.Flag("AttachStderr")),
            Begin = new ExecBegin
            {
                Arguments = command,
                Environment = [.. (body.Strings("Env") ?? []).Where(v => v.Contains('='))],
                User = body.Text("User"),
                WorkingDirectory = body.Text("WorkingDir"),
                Privileged = body.Flag("Privileged"),
                Input = body.Flag("AttachStdin"),
            },
        };
        instance.Size = Terminals.First(body) ?? instance.Size;
        _instances[instance.Id] = instance;
        _order.Enqueue(instance.Id);
        while (_order.Count > Remembered && _order.TryDequeue(out string? oldest))
            _instances.TryRemove(oldest, out _);
        api.Events.Tell(container.Notes, $"exec_create: {string.Join(' ', command)}", ("execID", instance.Id));
        await call.AnswerAsync(new JsonObject { ["Id"] = instance.Id }, 201);
    }

    /// <summary>POST /exec/{id}/start</summary>
    public async Task StartAsync(HijackedCall call)
    {
        JsonObject body = await call.ReadAsync();
        ExecInstance instance = Find(call.Name);
        bool detached = body.Flag("Detach");
        lock (instance)
        {
            if (instance.IsStarted)
                throw DockerFault.Conflict($"exec {instance.Id} has run already");
            instance.IsStarted = true;
        }
        instance.Size = Terminals.First(body) ?? instance.Size;
        ExecBegin begin = instance.Tty ? instance.Begin with { Terminal = instance.Size } : instance.Begin;
        if (detached)
            begin = begin with { Input = false };
        Session session = await api.Node.AskAsync(n => n.ExecAsync(instance.Machine, begin, call.Cancellation));
        instance.Session = session;
        if (detached)
        {
            _ = RunAsync(instance, session, new OutputFrames(Stream.Null, framed: false));
            await call.AnswerAsync(200);
            return;
        }
        await call.HijackAsync(framed: !instance.Tty);
        if (begin.Input)
            _ = SessionStreams.CopyInAsync(session, call);
        await RunAsync(instance, session, new OutputFrames(call.Output, framed: !instance.Tty));
    }

    /// <summary>POST /exec/{id}/resize</summary>
    public async Task ResizeAsync(DockerCall call)
    {
        ExecInstance instance = Find(call.Name);
        if (call.Query.Size() is not { } size)
        {
            await call.AnswerAsync(200);
            return;
        }
        instance.Size = size;
        if (instance is { Session: { } session, Tty: true, ExitCode: null })
            await Terminals.ResizeAsync(session, size);
        await call.AnswerAsync(200);
    }

    /// <summary>GET /exec/{id}/json</summary>
    public Task InspectAsync(DockerCall call)
    {
        ExecInstance instance = Find(call.Name);
        return call.AnswerAsync(new JsonObject
        {
            ["ID"] = instance.Id,
            ["Running"] = instance is { IsStarted: true, ExitCode: null },
            ["ExitCode"] = instance.ExitCode,
            ["ProcessConfig"] = new JsonObject
            {
                ["tty"] = instance.Tty,
                ["entrypoint"] = instance.Begin.Arguments[0],
                ["arguments"] = Words.List(instance.Begin.Arguments.Skip(1)),
                ["privileged"] = instance.Begin.Privileged,
                ["user"] = instance.Begin.User ?? "",
            },
            ["OpenStdin"] = instance.Begin.Input,
            ["OpenStdout"] = instance.Wanted.Output,
            ["OpenStderr"] = instance.Wanted.Errors,
            ["CanRemove"] = false,
            ["ContainerID"] = instance.ContainerId,
            ["DetachKeys"] = "",
            ["Pid"] = 0,
        });
    }

    private ExecInstance Find(string id) => _instances.GetValueOrDefault(id) ?? throw DockerFault.Missing($"No such exec instance: {id}");

    // The exit code is known before the connection closes: clients ask for it once, right then.
    private static async Task RunAsync(ExecInstance instance, Session session, OutputFrames to)
    {
        await using (session)
        {
            try
            {
                await SessionStreams.CopyOutAsync(session, to);
                instance.ExitCode = await session.ExitCodeAsync(SessionStreams.Input);
            }
            catch (SessionException e)
            {
                // It did not run, or nobody knows: to a client that is text and a code, never an error of the connection.
                instance.ExitCode = e.Reason == SessionCloseReason.NotFound ? NotFound : NotExecutable;
                string why = e.Message.Length > 0 ? e.Message : $"the session ended ({e.Reason})";
                await to.WriteAsync(OutputStream.StandardError, Encoding.UTF8.GetBytes($"{why}\r\n"));
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                instance.ExitCode ??= NotExecutable;        // the client has gone, and the program's session with it
            }
        }
    }
}
