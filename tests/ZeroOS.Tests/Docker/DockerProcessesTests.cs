using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Docker;

/// <summary>docker top against a machine that the test plays.</summary>
public sealed class DockerProcessesTests : IAsyncLifetime
{
    private DockerBench _docker = null!;

    public async Task InitializeAsync() => _docker = await DockerBench.StartAsync();

    public async Task DisposeAsync() => await _docker.DisposeAsync();

    [Fact]
    public async Task Top_lists_the_machines_own_processes_as_ps_does()
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        _docker.Node.Program = async session =>
        {
            Assert.Equal("{}", Encoding.UTF8.GetString(await session.BegunAsync()));
            await session.WriteAsync(1, """
                {"processes":[
                    {"id":1,"parent":0,"user":0,"state":"S","startMs":8640000000,"cpuMs":2000,"command":"serve\u001b[2J"},
                    {"id":7,"parent":1,"user":33,"state":"R","command":"x"}
                ]}
                """u8.ToArray());
            await session.EndAsync(1);
            await session.CloseAsync(SessionCloseReason.Done);
        };
        string id = await _docker.CreateAsync("web");
        await _docker.JsonAsync("GET", "/containers/web/top", status: 409);
        await _docker.AskAsync("POST", $"/containers/{id}/start");
        JsonNode top = await _docker.JsonAsync("GET", "/containers/web/top?ps_args=-ef");
        Assert.Equal(SessionKinds.Processes, _docker.Node.Opened!.Kind);
        Assert.Equal("""["UID","PID","PPID","C","STIME","TTY","TIME","CMD"]""", top["Titles"]!.ToJsonString());
        Assert.Equal("""["0","1","0","0","1970","?","00:00:02","serve?[2J"]""", top["Processes"]![0]!.ToJsonString());
        Assert.Equal("x", top["Processes"]![1]![7]!.ToString());
        Assert.Equal("USER", (await _docker.JsonAsync("GET", "/containers/web/top?ps_args=aux"))["Titles"]![0]!.ToString());
        (int status, string body) = await _docker.AskAsync("GET", "/containers/web/top?ps_args=-o%20pid");
        Assert.Equal(400, status);
        Assert.Contains("ps_args=-o pid: processes are listed as ps -ef and ps aux do it", body, StringComparison.Ordinal);
        await _docker.JsonAsync("GET", "/containers/nosuch/top", status: 404);
    }
}
