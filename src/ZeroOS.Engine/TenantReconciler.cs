using ZeroOS.Engine.Kinds;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine;

/// <summary>
/// Brings what one tenant has closer to what they asked for, kind by kind as <see cref="WorkloadKinds.InOrder"/> has them; what goes, in reverse.
/// <see cref="Pass"/> looks at everything, does what can be done now and says when to look again. It belongs to one worker; others only leave events and wake
/// it. What must survive a death at any line is stored before it is done, and every step may be done twice.
/// </summary>
internal sealed class TenantReconciler
{
    private readonly TenantSteps _steps;
    private readonly IReadOnlyList<IKindReconciler> _kinds;

    public TenantReconciler(EngineParts parts, string tenant, IEnumerable<WorkloadId> running, IEnumerable<WorkloadId> ending)
    {
        _steps = new TenantSteps(parts, tenant, [.. running], [.. ending], Wake);
        _kinds = [.. WorkloadKinds.InOrder.Select(k => k.For(_steps))];
    }

    /// <summary>Set while there is reason to look again at once.</summary>
    public SemaphoreSlim Wanted { get; } = new(1);

    /// <summary>Whose it is.</summary>
    public string Tenant => _steps.Tenant;

    private EngineStore Store => _steps.Parts.Store;

    /// <summary>Look again as soon as possible.</summary>
    public void Wake()
    {
        // Two wakers at once leave a count of two: one look too many, never one too few.
        if (Wanted.CurrentCount == 0)
            Wanted.Release();
    }

    /// <summary>Something happened to a machine; it is dealt with in the next pass.</summary>
    public void Tell(MachineEvent happened)
    {
        _steps.MachineEvents.Enqueue(happened);
        Wake();
    }

    /// <summary>Makes what comes first in the table, the networks, alone: at a start, before ports are published.</summary>
    public void MakeFirst() => _kinds[0].StepUp(Store.Tenant(_steps.Tenant));

    /// <summary>One look at everything. Answers when to look again without being woken, or null.</summary>
    public DateTimeOffset? Pass()
    {
        _steps.Begin();
        TenantView view = Store.Tenant(_steps.Tenant);
        foreach (IKindReconciler kind in _kinds)
            kind.Hear(view);
        view = Store.Tenant(_steps.Tenant);
        foreach (IKindReconciler kind in _kinds)
            kind.StepUp(view);
        view = Store.Tenant(_steps.Tenant);
        for (int i = _kinds.Count - 1; i >= 0; i--)
            _kinds[i].StepDown(view);
        ForgetDeployments();
        if (_steps.Parts.Publisher.Refresh() is { } retry)
            _steps.Due(retry);
        return _steps.NextLook;
    }

    /// <summary>Deployments of which nothing is left.</summary>
    private void ForgetDeployments()
    {
        TenantView view = Store.Tenant(_steps.Tenant);
        foreach (DeploymentRow deployment in view.Deployments.Where(d => d.Deleting && !view.Workloads.Any(w => w.Id.Deployment == d.Content.Name)))
        {
            Store.Write(() =>
            {
                Store.RemoveDeployment(_steps.Tenant, deployment.Content.Name);
                Store.AddEvent(_steps.Tenant, "deployment-deleted", deployment.Content.Name);
            });
        }
    }
}
