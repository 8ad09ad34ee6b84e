using System.Text.Json.Nodes;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Json;

namespace ZeroOS.Docker.Node;

/// <summary>A deployment as Docker's container: one machine, and what Docker remembers of it.</summary>
internal sealed record Container(Deployment Deployment, Notes Notes, ZmachineWorkload Machine, WorkloadStatus Status, RunTimes Times, bool IsDeleting)
{
    /// <summary>The machine's name in its deployment.</summary>
    public const string MachineName = "main";

    /// <summary>64 hexadecimal digits.</summary>
    public string Id => Notes.Id;

    /// <summary>Docker's name, without a slash.</summary>
    public string Name => Notes.Name;

    /// <summary>Its machine, for the bus.</summary>
    public MachineName Address => new() { Deployment = Deployment.Name, Machine = Machine.Name };

    /// <summary>What its creation was sent, merged with the image's.</summary>
    public JsonObject Config => Notes.Body;

    /// <summary>The options of the host.</summary>
    public JsonObject HostConfig => Notes.Body.Object("HostConfig");

    /// <summary>Its labels.</summary>
    public IReadOnlyDictionary<string, string> Labels => Notes.Body.Map("Labels");

    /// <summary>It is removed when it ends.</summary>
    public bool IsRemovedAtEnd => HostConfig.Flag("AutoRemove");

    /// <summary>Its program runs.</summary>
    public bool IsRunning => Status.State == WorkloadState.Running;

    /// <summary>It stays as it is until somebody wants something of it.</summary>
    public bool IsAtRest => Status.State is WorkloadState.Exited or WorkloadState.Stopped or WorkloadState.Failed;

    /// <summary>It was created, and nobody has started it yet.</summary>
    public bool IsUnstarted => Status.Starts == 0 && IsAtRest && !IsDeleting;

    /// <summary>The exit code; 0 as long as there is none.</summary>
    public int ExitCode => IsRunning ? 0 : Status.ExitCode ?? (Status.State == WorkloadState.Failed ? 125 : 0);

    /// <summary>One of Docker's seven words; clients act on no other.</summary>
    public string State => IsDeleting ? "removing" : Status.State switch
    {
        WorkloadState.Running => "running",
        WorkloadState.Deleting => "removing",
        _ when Status.Starts == 0 => "created",
        WorkloadState.Exited or WorkloadState.Stopped or WorkloadState.Failed => "exited",
        _ => "restarting",
    };

    /// <summary>Its deployment with another machine.</summary>
    public Deployment With(ZmachineData data) => Deployment with
    {
        Workloads = [.. Deployment.Workloads.Select(w => ReferenceEquals(w, Machine) ? Machine with { Data = data } : w)],
    };

    /// <summary>The container that a deployment is; null: none.</summary>
    public static Container? Of(DeploymentStatus status, Func<string, RunTimes> times)
    {
        Deployment deployment = status.Deployment;
        if (!Notes.TryRead(deployment.Annotations, out Notes? notes) || notes.Kind != Notes.Container
            || deployment.Workloads.OfType<ZmachineWorkload>().FirstOrDefault() is not { } machine
            || status.Workloads.FirstOrDefault(w => w.Name == machine.Name) is not { } now)
            return null;
        RunTimes seen = times(deployment.Name);
        RunTimes known = new(now.StartedAt ?? seen.Started, now.EndedAt ?? seen.Ended);
        return new Container(deployment, notes, machine, now, known, status.Deleting);
    }
}
