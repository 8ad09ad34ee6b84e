using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Tests.Bus;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Handlers;

/// <summary>Who may have a session with which machine.</summary>
public sealed class SessionHandlersTests
{
    private static readonly SessionOpen s_shell = new() { Kind = SessionKinds.Exec, Deployment = "shop", Machine = "web", Key = "" };

    [Theory]
    [InlineData(SessionKinds.Exec)]
    [InlineData(SessionKinds.Attach)]
    [InlineData(SessionKinds.CopyOut)]
    [InlineData(SessionKinds.CopyIn)]
    [InlineData(SessionKinds.Forward)]
    [InlineData(SessionKinds.Processes)]
    public async Task Tenant_of_a_machine_that_runs_gets_the_way_to_it_which_is_not_gone_yet(string kind)
    {
        using EngineBench bench = EngineBench.Deployed();
        Func<CancellationToken, Task<Stream>> way = bench.Handlers.Sessions.Find(Asked.By(EngineBench.Alice), s_shell with { Kind = kind });
        Assert.Empty(bench.World.Sessions);
        await using Stream stream = await way(default);
        Assert.Equal([(bench.Id("web"), kind)], bench.World.Sessions);
    }

    [Fact]
    public void Whatever_is_wrong_is_said_by_its_code()
    {
        using EngineBench bench = EngineBench.Deployed();
        Assert.Equal(ErrorCodes.Invalid, Refused(bench, EngineBench.Alice, s_shell with { Kind = "console" }));
        Assert.Equal(ErrorCodes.NotFound, Refused(bench, EngineBench.Alice, s_shell with { Deployment = "shop2" }));
        Assert.Equal(ErrorCodes.NotFound, Refused(bench, EngineBench.Alice, s_shell with { Machine = "data" }));
        Assert.Equal(ErrorCodes.Denied, Refused(bench, EngineBench.Bob, s_shell));
        bench.Grant(EngineBench.Bob);
        Assert.Equal(ErrorCodes.NotFound, Refused(bench, EngineBench.Bob, s_shell));       // somebody else's
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), new MachineStop { Deployment = "shop", Machine = "web" });
        bench.Settle();
        Assert.Equal(ErrorCodes.Conflict, Refused(bench, EngineBench.Alice, s_shell));
        Assert.Empty(bench.World.Sessions);
    }

    [Fact]
    public void Ordinary_message_opens_nothing()
    {
        using EngineBench bench = EngineBench.Deployed();
        BusErrorException refused = Assert.Throws<BusErrorException>(() => bench.Handlers.Sessions.ByMessage(Asked.By(EngineBench.Alice), s_shell));
        Assert.Equal((ErrorCodes.Invalid, "a session is opened by POST /session"), (refused.Error.Code, refused.Error.Message));
    }

    [Fact]
    public void Sessions_go_on_while_the_grant_does()
    {
        using EngineBench bench = EngineBench.Deployed();
        Assert.True(bench.Handlers.Sessions.MayGoOn(EngineBench.Alice));
        Assert.False(bench.Handlers.Sessions.MayGoOn(EngineBench.Bob));
        bench.Time.Advance(TimeSpan.FromDays(365));
        bench.Engine.Grants.Tick(10);
        Assert.False(bench.Handlers.Sessions.MayGoOn(EngineBench.Alice));
        Assert.Equal(ErrorCodes.Denied, Refused(bench, EngineBench.Alice, s_shell));
    }

    private static string Refused(EngineBench bench, string tenant, SessionOpen open) =>
        Assert.Throws<BusErrorException>(() => bench.Handlers.Sessions.Find(Asked.By(tenant), open)).Error.Code;
}
