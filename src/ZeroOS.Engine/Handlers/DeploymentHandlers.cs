using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Deployments;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Handlers;

/// <summary>zos.deployment.*: what a tenant wants, and how it is. Every look-up begins with the tenant's key: nothing of another's can be reached.</summary>
public sealed class DeploymentHandlers
{
    private readonly EngineParts _parts;
    private readonly DeploymentAdmission _deployments;
    private readonly Action<string> _wake;

    internal DeploymentHandlers(EngineParts parts, DeploymentAdmission deployments, Action<string> wake) =>
        (_parts, _deployments, _wake) = (parts, deployments, wake);

    /// <summary>Makes or changes a deployment; what is answered is on the medium.</summary>
    public DeploymentStatus Apply(RequestContext context, DeploymentApply body)
    {
        _deployments.Apply(context.Tenant, body.Deployment, MessageMark.Of(context));
        _wake(context.Tenant);
        return Get(context, new DeploymentName { Name = body.Deployment.Name });
    }

    /// <summary>One deployment.</summary>
    public DeploymentStatus Get(RequestContext context, DeploymentName body) =>
        DeploymentStatuses.WithRuns(DeploymentStatuses.All(_parts, context.Tenant).FirstOrDefault(d => d.Deployment.Name == body.Name)
            ?? throw Refuse.NotFound($"you have no deployment \"{body.Name}\" on this node", "name"), _parts.Store, context.Tenant);

    /// <summary>All of a tenant's deployments.</summary>
    public DeploymentList List(RequestContext context) => new()
    {
        Deployments = [.. DeploymentStatuses.All(_parts, context.Tenant).Select(DeploymentStatuses.WithoutProbes)],
    };

    /// <summary>Begins to take one down.</summary>
    public Nothing Delete(RequestContext context, DeploymentDelete body)
    {
        _deployments.Delete(context.Tenant, body.Name, body.Volumes, MessageMark.Of(context));
        _wake(context.Tenant);
        return new Nothing();
    }
}
