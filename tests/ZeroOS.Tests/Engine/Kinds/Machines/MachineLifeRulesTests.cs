using System.Text.Json;

using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Deployments;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

/// <summary>run, remove and maxRestarts as they are written, and what they leave as it was.</summary>
public sealed class MachineLifeRulesTests
{
    [Theory]
    [InlineData(0, RestartPolicy.OnFailure)]
    [InlineData(1001, RestartPolicy.OnFailure)]
    [InlineData(-1, RestartPolicy.OnFailure)]
    [InlineData(5, RestartPolicy.Always)]
    [InlineData(5, RestartPolicy.Never)]
    public void Restarts_are_counted_to_a_bound_and_after_failures_only(int maxRestarts, RestartPolicy policy) =>
        Refused("workloads[2].data.maxRestarts", d => d with { Restart = policy, MaxRestarts = maxRestarts });

    [Fact]
    public void A_deployment_that_goes_with_its_machine_has_no_other()
    {
        Deployment shop = EngineBench.With(EngineBench.Shop(), 1, d => d with { Remove = RemovePolicy.OnExit });
        DeploymentValidator.Check(shop);
        ZmachineWorkload other = new() { Name = "other", Data = new ZmachineData { Flist = ((ZmachineWorkload)shop.Workloads[2]).Data.Flist } };
        BusError error = Assert.Throws<BusErrorException>(() => DeploymentValidator.Check(shop with { Workloads = [.. shop.Workloads, other] })).Error;
        Assert.Equal((ErrorCodes.Invalid, "workloads[2].data.remove"), (error.Code, error.Path));
    }

    [Fact]
    public void The_words_are_read_and_written_and_leave_no_trace_where_they_are_not_said()
    {
        string plain = JsonSerializer.Serialize(EngineBench.Shop(), BusJson.Default.Deployment);
        Assert.DoesNotContain("\"run\"", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("remove", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("maxRestarts", plain, StringComparison.Ordinal);
        string said = plain.Replace("\"restart\":\"always\"", "\"restart\":\"on-failure\",\"maxRestarts\":5,\"run\":false,\"remove\":\"on-exit\"",
            StringComparison.Ordinal);
        Deployment read = EngineBench.Parse(said);
        Assert.Equal((5, false, RemovePolicy.OnExit), (Data(read).MaxRestarts!.Value, Data(read).Run!.Value, Data(read).Remove!.Value));
        Assert.Equal(said, JsonSerializer.Serialize(read, BusJson.Default.Deployment));
        Assert.Throws<JsonException>(() => EngineBench.Parse(said.Replace("on-exit", "on-exits", StringComparison.Ordinal)));
        Assert.Equal(Fingerprint(EngineBench.Shop()), Fingerprint(read));
    }

    private static ZmachineData Data(Deployment deployment) => deployment.Workloads.OfType<ZmachineWorkload>().Single().Data;

    private static string Fingerprint(Deployment deployment) => MachineFingerprint.Of(new WorkloadId("t", "shop", "web"),
        deployment.Workloads.OfType<ZmachineWorkload>().Single(), new Dictionary<string, uint>(), new Dictionary<WorkloadId, Workload>());

    private static void Refused(string path, Func<ZmachineData, ZmachineData> change)
    {
        BusError error = Assert.Throws<BusErrorException>(() => DeploymentValidator.Check(EngineBench.With(EngineBench.Shop(), 1, change))).Error;
        Assert.Equal((ErrorCodes.Invalid, path), (error.Code, error.Path));
    }
}
