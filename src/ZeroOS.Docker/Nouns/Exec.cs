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

    private const uint Input = 0, Output = 1, Errors = 2;
    private const int WindowBytes = 4 << 20, CopyBytes = 64 << 10;
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
        Resize(instance, body);
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
        Resize(instance, body);
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
            _ = CopyInAsync(session, call);
        await RunAsync(instance, session, new OutputFrames(call.Output, framed: !instance.Tty));
    }

    /// <summary>POST /exec/{id}/resize</summary>
    public async Task ResizeAsync(DockerCall call)
    {
        ExecInstance instance = Find(call.Name);
        int rows = call.Query.Number("h") ?? 0, columns = call.Query.Number("w") ?? 0;
        if (rows is < 0 or > ushort.MaxValue || columns is < 0 or > ushort.MaxValue)
            throw DockerFault.Bad("a terminal has at most 65535 rows and columns");
        instance.Size = new TerminalSize((ushort)columns, (ushort)rows);
        if (instance is { Session: { } session, Tty: true, ExitCode: null } && rows > 0 && columns > 0)
        {
            try
            {
                await session.ResizeAsync(Input, (ushort)columns, (ushort)rows);
            }
            catch (SessionException)
            {
                // it has just ended
            }
        }
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
            using SemaphoreSlim writing = new(1);
            try
            {
                await Task.WhenAll(CopyOutAsync(session, Output, OutputStream.StandardOutput, to, writing),
                    CopyOutAsync(session, Errors, OutputStream.StandardError, to, writing), TellNotesAsync(session, to, writing));
                instance.ExitCode = await session.ExitCodeAsync(Input);
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

    private static async Task CopyOutAsync(Session session, uint channel, OutputStream stream, OutputFrames to, SemaphoreSlim writing)
    {
        byte[] buffer = new byte[CopyBytes];
        try
        {
            await session.SetWindowAsync(channel, WindowBytes);
            while (await session.ReadAsync(channel, buffer) is > 0 and int count)
                await WriteAsync(stream, buffer.AsMemory(0, count), to, writing);
        }
        catch (SessionException)
        {
            // how the session ended is for the exit code to say
        }
    }

    private static async Task TellNotesAsync(Session session, OutputFrames to, SemaphoreSlim writing)
    {
        await foreach (SessionEvent told in session.Events.ReadAllAsync())
        {
            if (told.Type == SessionFrameType.Note)
                await WriteAsync(OutputStream.StandardError, Encoding.UTF8.GetBytes($"{told.Sentence}\r\n"), to, writing);
        }
    }

    private static async Task WriteAsync(OutputStream stream, ReadOnlyMemory<byte> bytes, OutputFrames to, SemaphoreSlim writing)
    {
        await writing.WaitAsync();
        try
        {
            await to.WriteAsync(stream, bytes);
        }
        finally
        {
            writing.Release();
        }
    }

    private static async Task CopyInAsync(Session session, HijackedCall call)
    {
        byte[] buffer = new byte[CopyBytes];
        try
        {
            while (await call.Input.ReadAsync(buffer, call.Cancellation) is > 0 and int count)
                await session.WriteAsync(Input, buffer.AsMemory(0, count), call.Cancellation);
            await session.EndAsync(Input);
        }
        catch (Exception e) when (e is SessionException or IOException or OperationCanceledException or InvalidOperationException)
        {
            // the program wants no more input, or one side is gone
        }
    }

    private static void Resize(ExecInstance instance, JsonObject body)
    {
        if (body["ConsoleSize"] is JsonArray { Count: 2 } size && size[0]!.GetValue<int>() is > 0 and <= ushort.MaxValue and int rows
            && size[1]!.GetValue<int>() is > 0 and <= ushort.MaxValue and int columns)
            instance.Size = new TerminalSize((ushort)columns, (ushort)rows);
    }
}
