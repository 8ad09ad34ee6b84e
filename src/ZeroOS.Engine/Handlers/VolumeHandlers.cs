using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Deployments;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Handlers;

/// <summary>zos.volume.*: what a tenant has on the node's disks, also after the machine is gone.</summary>
public sealed class VolumeHandlers
{
    private readonly EngineParts _parts;
    private readonly DeploymentAdmission _deployments;
    private readonly Action<string> _wake;

    internal VolumeHandlers(EngineParts parts, DeploymentAdmission deployments, Action<string> wake) =>
        (_parts, _deployments, _wake) = (parts, deployments, wake);

    /// <summary>A tenant's volumes, kept ones included.</summary>
    public VolumeList List(RequestContext context)
    {
        TenantView view = _parts.Store.Tenant(context.Tenant);
        HashSet<(string, string)> used =
            [.. view.Deployments.Where(d => !d.Deleting).SelectMany(d => d.Content.Workloads.OfType<ZmountWorkload>().Select(v => (d.Content.Name, v.Name)))];
        return new VolumeList
        {
            Volumes = [.. view.Volumes.Where(v => !v.Destroying).Select(v => new VolumeStatus
            {
                Deployment = v.Id.Deployment,
                Name = v.Id.Name,
                Size = new ByteSize(v.SizeBytes),
                InUse = used.Contains((v.Id.Deployment, v.Id.Name)),
            })],
        };
    }

    /// <summary>Destroys a kept volume.</summary>
    public Nothing Delete(RequestContext context, VolumeName body)
    {
        _deployments.DeleteVolume(new WorkloadId(context.Tenant, body.Deployment, body.Name), MessageMark.Of(context));
        _wake(context.Tenant);
        return new Nothing();
    }
}
