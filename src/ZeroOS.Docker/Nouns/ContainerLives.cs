using System.Text.Json.Nodes;

using ZeroOS.Bus.Client;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>Containers started, stopped, signalled and waited for. Each answer comes when the node's status shows it.</summary>
internal sealed class ContainerLives(DockerApi api)
{
    // A machine that does not boot is the node's own trouble, and the node tries again.
    private static readonly TimeSpan s_bootsWithin = TimeSpan.FromSeconds(60);

    // A container that is being stopped lets go of its volumes soon.
    private static readonly TimeSpan s_freeWithin = TimeSpan.FromSeconds(15);

    /// <summary>POST /containers/{id}/start</summary>
    public async Task StartAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        if (container.IsRunning)
        {
            await call.AnswerAsync(304);
            return;
        }
        try
        {
            await api.Ports.HoldAsync(container, call.Cancellation);
            await api.Node.AskAsync(n => n.StartAsync(container.Address, call.Cancellation));
            api.Mirror.Touch();
            await UntilStartedAsync(container, again: false, call.Cancellation);
        }
        catch (Exception e) when (e is DockerFault or BusErrorException or BusTransportException or ClientException)
        {
            await GiveUpAsync(container);
            throw;
        }
        finally
        {
            api.Ports.Release(container);
        }
        await call.AnswerAsync(204);
    }

    /// <summary>POST /containers/{id}/stop</summary>
    public async Task StopAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        if (container.IsAtRest)
        {
            await call.AnswerAsync(304);
            return;
        }
        await api.Node.AskAsync(n => n.StopAsync(StopOf(container, call.Query), call.Cancellation));
        api.Mirror.Touch();
        await UntilAtRestAsync(container, call.Cancellation);
        await api.Ports.LookAsync();
        await call.AnswerAsync(204);
    }

    /// <summary>POST /containers/{id}/restart</summary>
    public async Task RestartAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        await api.Node.AskAsync(n => n.RestartAsync(StopOf(container, call.Query), call.Cancellation));
        api.Mirror.Touch();
        await UntilStartedAsync(container, again: true, call.Cancellation);
        await call.AnswerAsync(204);
    }

    /// <summary>POST /containers/{id}/kill</summary>
    public async Task KillAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        if (!container.IsRunning)
            throw DockerFault.Conflict($"cannot kill container: {call.Name}: container {container.Id} is not running");
        string signal = call.Query.Text("signal") ?? "KILL";
        // A client tells each change of its window's size, also where there is no terminal.
        if (signal.ToUpperInvariant() is not ("WINCH" or "SIGWINCH" or "28"))
        {
            MachineKill kill = new() { Deployment = container.Deployment.Name, Machine = container.Machine.Name, Signal = signal };
            await api.Node.AskAsync(n => n.KillAsync(kill, call.Cancellation));
            api.Mirror.Touch();
            api.Events.Tell(container.Notes, "kill", ("signal", signal));
        }
        await call.AnswerAsync(204);
    }

    /// <summary>POST /containers/{id}/resize</summary>
    public async Task ResizeAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        if (call.Query.Size() is { } size && container.Config.Flag("Tty"))
            await api.Terminals.ResizeAsync(container.Id, size);
        await call.AnswerAsync(200);
    }

    /// <summary>POST /containers/{id}/wait. The head comes at once: clients start the container only then.</summary>
    public async Task WaitAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        string condition = call.Query.Text("condition") ?? "not-running";
        if (condition is not ("not-running" or "next-exit" or "removed"))
            throw DockerFault.Bad($"invalid condition: \"{condition}\"");
        Stream answer = await call.BeginAsync();
        JsonObject body = [];
        try
        {
            body["StatusCode"] = await UntilAsync(container, condition, call.Cancellation);
        }
        catch (Exception e) when (e is BusErrorException or BusTransportException or ClientException)
        {
            (body["StatusCode"], body["Error"]) = (-1, new JsonObject { ["Message"] = e.Message });
        }
        await answer.WriteAsync(Words.Bytes(body), call.Cancellation);
    }

    private async Task<int> UntilAsync(Container first, string condition, CancellationToken cancellation)
    {
        int code = first.ExitCode;
        await api.Mirror.UntilAsync(first.Id, now =>
        {
            if (now is null)
            {
                code = api.Removal.ExitCode(first.Id) ?? code;
                return first;
            }
            bool ended = now.IsAtRest || now.Status.State == WorkloadState.BackingOff;
            // What was running may have ended and run again between two looks.
            bool another = now.Status.Starts > first.Status.Starts || (first.IsRunning && ended);
            if (now.Status.ExitCode is int last && (ended || another))
                code = last;
            return condition switch
            {
                "not-running" => now.IsAtRest || now.Status.Starts == 0 ? now : null,
                "next-exit" => another && (ended || now.Status.Starts > first.Status.Starts + 1) ? now : null,
                _ => null,
            };
        }, cancellation);
        return code;
    }

    private async Task UntilStartedAsync(Container before, bool again, CancellationToken cancellation)
    {
        long began = Environment.TickCount64, givesUp = began + (long)s_bootsWithin.TotalMilliseconds, free = began + (long)s_freeWithin.TotalMilliseconds;
        await api.Mirror.UntilAsync(before.Id, now =>
        {
            if (now is null)
                return before.IsRemovedAtEnd ? before : throw DockerFault.Missing($"No such container: {before.Id}");
            bool another = now.Status.Starts > before.Status.Starts;
            return now.Status switch
            {
                { State: WorkloadState.Running } => another || !again ? now : null,
                { Reason: "command-not-found" or "not-executable" } when another => throw DoesNotRun(now),
                { State: WorkloadState.Exited } when another => now,
                { Reason: "volume-in-use" } => Environment.TickCount64 < free ? null : throw DoesNotRun(now),
                { State: WorkloadState.BackingOff, Reason: "not-booted" } when Environment.TickCount64 < givesUp => null,
                { State: WorkloadState.BackingOff, Reason: not ("setup-failed" or "not-booted") } when another => now,
                { State: WorkloadState.BackingOff or WorkloadState.Failed or WorkloadState.Stopped } => again && !another
                    && now.Status.State == WorkloadState.Stopped ? null : throw DoesNotRun(now),
                _ => null,
            };
        }, s_freeWithin / 4, cancellation);
    }

    private Task<Container> UntilAtRestAsync(Container container, CancellationToken cancellation) =>
        api.Mirror.UntilAsync(container.Id, now => now is null ? container : now.IsAtRest ? now : null, cancellation);

    // As in Docker a start that failed is not tried again, nobody waits for its output, and with --rm nothing is left of it.
    private async Task GiveUpAsync(Container container)
    {
        try
        {
            MachineStop stop = new() { Deployment = container.Deployment.Name, Machine = container.Machine.Name, GraceSeconds = 0 };
            await api.Node.AskAsync(n => n.StopAsync(stop, CancellationToken.None));
            if (container.IsRemovedAtEnd)
                await api.Removal.RemoveAsync(container);
        }
        catch (Exception e) when (e is BusErrorException or BusTransportException or SpoofedReplyException)
        {
            // why it does not run is what the client has to hear
        }
        api.Mirror.Touch();
        api.Attachments.LetGo(container.Id);
    }

    // Clients make their exit code of the text: 127 and 126 for the first two, 125 for every other.
    private static DockerFault DoesNotRun(Container container)
    {
        string program = ContainerViews.Command(container).Path;
        return container.Status.Reason switch
        {
            "command-not-found" => DockerFault.Bad($"failed to create task for container: exec: \"{program}\": executable file not found in $PATH"),
            "not-executable" => DockerFault.Bad($"failed to create task for container: exec: \"{program}\": permission denied"),
            _ => new DockerFault(500, $"container {container.Name} does not run: " + (container.Status.Message ?? container.Status.Reason ?? "it was stopped")
                .Replace("no such file or directory", "it is not there", StringComparison.OrdinalIgnoreCase)),
        };
    }

    private static MachineStop StopOf(Container container, DockerQuery query) => new()
    {
        Deployment = container.Deployment.Name,
        Machine = container.Machine.Name,
        Signal = query.Text("signal"),
        GraceSeconds = query.Number("t") switch
        {
            null => null,
            < 0 => MachineStop.MaxGraceSeconds,
            int seconds => Math.Min(seconds, MachineStop.MaxGraceSeconds),
        },
    };
}
