using Xunit;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Client.Deploying;

public sealed class MachineWaitTests
{
    private static readonly MachineName s_machine = new() { Deployment = "shop", Machine = "web" };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Machine_that_is_gone_has_the_code_of_its_removal_while_its_deployment_goes_and_after(bool isThere) =>
        Assert.Equal(7, (await MachineWait.UntilAtRestAsync(Node(isThere, 7), s_machine, default)).ExitCode);

    [Fact]
    public async Task Machine_that_never_was_is_said()
    {
        ClientException e = await Assert.ThrowsAsync<ClientException>(() => MachineWait.UntilAtRestAsync(Node(isThere: true, null), s_machine, default));
        Assert.Contains("\"shop\" has no machine \"web\"", e.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<BusErrorException>(
            () => MachineWait.UntilAtRestAsync(Node(isThere: false, null), s_machine, default))).Error.Code);
    }

    private static NodeClient Node(bool isThere, int? code)
    {
        GateBench bench = new(withCommands: false);
        bench.Routes
            .Add(Commands.NodeInfo, Roles.Anyone, _ => bench.Info())
            .Add(Commands.DeploymentGet, Roles.Tenant, (_, _) => isThere ? Going() : throw new BusErrorException(ErrorCodes.NotFound, "none"))
            .Add(Commands.EventsWatch, Roles.OwnerOrTenant, (_, _, _) => Events(code));
        return new NodeClient(new BusClient(bench.Alice, bench.Node.Id, new GateTransport(bench), bench.Clock), () => { });
    }

    private static DeploymentStatus Going() => new()
    {
        Deployment = new Deployment { Name = "shop", Version = 1, Workloads = [] },
        Deleting = true,
        Workloads = [new WorkloadStatus { Name = "net", Type = "network", State = WorkloadState.Deleting }],
    };

    private static async IAsyncEnumerable<NodeEvent> Events(int? code)
    {
        await Task.Yield();
        if (code is not null)
            yield return new NodeEvent
            {
                Number = 1,
                Time = DateTimeOffset.UnixEpoch,
                Kind = EventKinds.WorkloadRemoved,
                Deployment = "shop",
                Workload = "web",
                ExitCode = code,
            };
    }
}
