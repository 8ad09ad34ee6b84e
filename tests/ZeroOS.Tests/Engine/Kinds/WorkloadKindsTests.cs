using System.Reflection;
using System.Text.Json.Serialization;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Kinds;

namespace ZeroOS.Tests.Engine.Kinds;

/// <summary>The table of kinds says of every workload that a deployment may have what it is.</summary>
public class WorkloadKindsTests
{
    [Fact]
    public void Every_type_of_the_contract_is_a_kind_under_the_same_name()
    {
        IEnumerable<object?> types = typeof(Workload).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(a => a.TypeDiscriminator);
        Assert.Equal(types.Order(), WorkloadKinds.InOrder.Select(k => (object?)k.Type).Order());
    }

    [Fact]
    public void A_workload_is_of_exactly_one_kind()
    {
        Workload[] workloads =
        [
            new NetworkWorkload { Name = "n", Data = new NetworkData { Range = "10.1.0.0/24" } },
            new ZmountWorkload { Name = "v", Data = new ZmountData { Size = new ByteSize(1L << 30) } },
            new ZmachineWorkload { Name = "m", Data = new ZmachineData { Flist = new FlistReference { Reference = "r/i", Digest = "sha256:"
                + new string('0', 64) }, Memory = new ByteSize(64L << 20) } },
        ];
        Assert.All(workloads, w => Assert.Same(WorkloadKinds.Of(w), Assert.Single(WorkloadKinds.InOrder, k => k.Is(w))));
        Assert.Equal(["network", "zmount", "zmachine"], workloads.Select(w => WorkloadKinds.Of(w).Type));
    }

    [Fact]
    public void Only_a_machine_has_a_secret_and_it_is_not_told()
    {
        ZmachineWorkload machine = new()
        {
            Name = "m",
            Data = new ZmachineData
            {
                Flist = new FlistReference
                {
                    Reference = "r/i",
                    Digest = "sha256:" + new string('0', 64),
                    Auth = new RegistryCredentials { Username = "a", Password = "b" },
                },
                Memory = new ByteSize(64L << 20),
            },
        };
        ZmachineWorkload told = Assert.IsType<ZmachineWorkload>(WorkloadKinds.Of(machine).WithoutSecrets(machine));
        Assert.Null(told.Data.Flist.Auth);
    }
}
