using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds;

/// <summary>
/// One kind of workload: what is checked, promised, made, told and taken down for it. It has no state; what is known of a tenant's workloads is in the
/// reconciler that it makes for each. A kind that stands for several others says which (<see cref="Expand"/>); theirs do the rest.
/// </summary>
internal interface IWorkloadKind
{
    /// <summary>As in a deployment's file and in <see cref="WorkloadRow.Type"/>.</summary>
    string Type { get; }

    /// <summary>What it made outlives it: its row goes as soon as nobody asks for it.</summary>
    bool IsKept { get; }

    /// <summary>A change of the deployment leaves it running until its reconciler has looked; otherwise it is pending at once.</summary>
    bool StaysWhenChanged { get; }

    /// <summary>Whether a workload is of this kind.</summary>
    bool Is(Workload workload);

    /// <summary>
    /// Checks what can be judged without the node; kinds earlier in the table were checked before. <paramref name="path"/> is its data's place.
    /// </summary>
    /// <exception cref="Contracts.Bus.BusErrorException">invalid, with the path of the fault.</exception>
    void Check(string path, Workload workload, DeploymentGraph graph);

    /// <summary>
    /// The workloads of other kinds that a checked one stands for. They are named after it, and the same workload always gives the same ones: they are made
    /// anew from each version of the deployment. None for a kind whose reconciler does everything itself.
    /// </summary>
    IEnumerable<Workload> Expand(Workload workload) => [];

    /// <summary>Whether it is to run when it is made; otherwise when somebody starts it.</summary>
    bool Runs(Workload workload) => true;

    /// <summary>What it takes of the grant and of the node.</summary>
    ResourceUse Use(Workload workload);

    /// <summary>
    /// Stores what one workload is promised beside its own row; <paramref name="row"/> is null for a new one. Inside the admission's transaction.
    /// </summary>
    /// <exception cref="Contracts.Bus.BusErrorException">conflict, with the path of the fault.</exception>
    void Promise(EngineStore store, WorkloadId id, Workload workload, WorkloadRow? row, string path);

    /// <summary>Stores what the workloads of this kind are promised together, after each had its own. Inside the admission's transaction.</summary>
    /// <exception cref="Contracts.Bus.BusErrorException">invalid, conflict or over-capacity.</exception>
    void PromiseTogether(EngineStore store, string tenant, Deployment wanted, GrantRow grant);

    /// <summary>What makes and takes down one tenant's workloads of this kind.</summary>
    IKindReconciler For(TenantSteps steps);

    /// <summary>Adds to a status what only this kind has.</summary>
    WorkloadStatus Tell(WorkloadStatus plain, WorkloadRow row, TenantView view, EngineParts parts) => plain;

    /// <summary>The workload without what is never told.</summary>
    Workload WithoutSecrets(Workload workload) => workload;
}
