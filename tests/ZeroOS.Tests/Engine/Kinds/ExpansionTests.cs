using Xunit;

using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Kinds;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Kinds;

/// <summary>A kind that stands for others: what a deployment becomes before it is admitted.</summary>
public sealed class ExpansionTests
{
    private static readonly IReadOnlyList<IWorkloadKind> s_kinds = [.. WorkloadKinds.InOrder, new ClusterKind()];

    [Fact]
    public void A_deployment_whose_kinds_expand_to_nothing_stays_as_it_is()
    {
        Deployment plain = Of(Volume("data", 1));
        Assert.Same(plain, WorkloadKinds.Expand(plain));
    }

    [Fact]
    public void What_a_workload_stands_for_follows_under_names_of_its_own()
    {
        Deployment whole = WorkloadKinds.Expand(Of(new ClusterWorkload { Name = "prod" }, Volume("data", 1)), s_kinds);
        Assert.Equal(["prod", "data", "prod-net", "prod-state"], whole.Workloads.Select(w => w.Name));
    }

    [Fact]
    public void What_was_expanded_and_comes_again_is_the_same_deployment()
    {
        Deployment once = WorkloadKinds.Expand(Of(new ClusterWorkload { Name = "prod" }), s_kinds), twice = WorkloadKinds.Expand(once, s_kinds);
        Assert.Equal(once.Workloads, twice.Workloads);
    }

    [Fact]
    public void Another_workload_cannot_have_a_name_that_an_expansion_needs()
    {
        BusErrorException refused = Assert.Throws<BusErrorException>(() =>
            WorkloadKinds.Expand(Of(new ClusterWorkload { Name = "prod" }, Volume("prod-state", 7)), s_kinds));
        Assert.Equal((ErrorCodes.Invalid, "workloads[1].name"), (refused.Error.Code, refused.Error.Path));
    }

    private static Deployment Of(params Workload[] workloads) => new() { Name = "shop", Version = 1, Workloads = workloads };

    private static ZmountWorkload Volume(string name, long gib) => new() { Name = name, Data = new ZmountData { Size = new ByteSize(gib << 30) } };

    private sealed record ClusterWorkload : Workload;

    private sealed class ClusterKind : IWorkloadKind
    {
        public string Type => "cluster";

        public bool IsKept => false;

        public bool StaysWhenChanged => true;

        public bool Is(Workload workload) => workload is ClusterWorkload;

        public void Check(string path, Workload workload, DeploymentGraph graph)
        {
        }

        public IEnumerable<Workload> Expand(Workload workload) =>
            [new NetworkWorkload { Name = workload.Name + "-net", Data = new NetworkData { Range = "10.1.0.0/24" } }, Volume(workload.Name + "-state", 2)];

        public ResourceUse Use(Workload workload) => default;

        public void Promise(EngineStore store, WorkloadId id, Workload workload, WorkloadRow? row, string path)
        {
        }

        public void PromiseTogether(EngineStore store, string tenant, Deployment wanted, GrantRow grant)
        {
        }

        public IKindReconciler For(TenantSteps steps) => throw new NotSupportedException();
    }
}
