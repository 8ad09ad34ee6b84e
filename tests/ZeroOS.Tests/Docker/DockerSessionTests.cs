using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Docker;

/// <summary>Connections that clients take over, joined to programs by sessions: a container's own by attach, second ones by exec.</summary>
public sealed class DockerSessionTests : IAsyncLifetime
{
    private DockerBench _docker = null!;

    public async Task InitializeAsync() => _docker = await DockerBench.StartAsync();

    public async Task DisposeAsync() => await _docker.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Program_with_an_input_is_joined_from_its_start_and_its_input_ends_with_the_clients_if_that_is_wanted(bool once)
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        string begun = "";
        _docker.PlayItself(new AttachedProgram { Stdin = true }, async (session, begin) =>
        {
            (begun, byte[] buffer) = (begin, new byte[100]);
            int count = await session.ReadAsync(0, buffer);
            Task<int> end = session.ReadAsync(0, new byte[10]);
            await session.WriteAsync(1, buffer.AsMemory(0, count));
            await session.WriteAsync(2, (await Task.WhenAny(end, Task.Delay(once ? 60_000 : 300)) == end ? "end"u8 : "more"u8).ToArray());
        }, code: 3);
        string id = await _docker.CreateAsync("web", $",\"OpenStdin\":true,\"StdinOnce\":{(once ? "true" : "false")}");
        ZmachineData machine = _docker.Engine.Deployments.Single().Workloads.OfType<ZmachineWorkload>().Single().Data;
        Assert.Equal((true, false), (machine.Stdin, machine.Tty));
        (string head, NetworkStream wire) = await _docker.HijackAsync($"/containers/{id}/attach?stdin=1&stdout=1&stderr=1&stream=1");
        Assert.Contains("multiplexed-stream", head, StringComparison.Ordinal);
        Assert.Equal(204, (await _docker.AskAsync("POST", $"/containers/{id}/start")).Status);
        await wire.WriteAsync("hello"u8.ToArray());
        wire.Socket.Shutdown(SocketShutdown.Send);
        (string frames, string errors) = (await DockerBench.FramesAsync(wire), once ? "2:end" : "2:more");
        Assert.True(frames == "1:hello" + errors || frames == errors + "1:hello", frames);
        Assert.Equal("{\"fromStart\":true}", begun);
        Assert.Equal(3, (await _docker.JsonAsync("POST", $"/containers/{id}/wait"))["StatusCode"]!.GetValue<int>());
    }

    [Fact]
    public async Task Program_with_a_terminal_is_raw_has_the_size_that_is_told_and_runs_on_when_its_client_leaves()
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        TaskCompletionSource<SessionCloseReason> left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<(int, int)> first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        (int, int) second = default;
        string typed = "";
        _docker.PlayItself(new AttachedProgram { Stdin = true, Tty = true }, async (session, _) =>
        {
            byte[] buffer = new byte[10];
            first.SetResult((await session.Events.ReadAsync()).Size);
            second = (await session.Events.ReadAsync()).Size;
            typed = Encoding.UTF8.GetString(buffer, 0, await session.ReadAsync(0, buffer));
            await session.WriteAsync(1, "raw"u8.ToArray());
            left.SetResult((await session.Ended).Reason);
        });
        string id = await _docker.CreateAsync("web", ",\"Tty\":true,\"OpenStdin\":true", ",\"ConsoleSize\":[30,100]");
        await _docker.AskAsync("POST", $"/containers/{id}/start");
        (string head, NetworkStream wire) = await _docker.HijackAsync($"/containers/{id}/attach?stdin=1&stdout=1&stderr=1&stream=1");
        Assert.Contains("raw-stream", head, StringComparison.Ordinal);
        await wire.WriteAsync("a"u8.ToArray());
        Assert.Equal((100, 30), await first.Task.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(200, (await _docker.AskAsync("POST", $"/containers/{id}/resize?h=40&w=132")).Status);
        Assert.Equal(400, (await _docker.AskAsync("POST", $"/containers/{id}/resize?h=70000&w=132")).Status);
        byte[] three = new byte[3];
        await wire.ReadExactlyAsync(three).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        await wire.DisposeAsync();
        Assert.Equal(SessionCloseReason.Done, await left.Task.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(("raw", "a"), (Encoding.UTF8.GetString(three), typed));
        Assert.Equal((132, 40), second);
        Assert.True((await _docker.JsonAsync("GET", $"/containers/{id}/json"))["State"]!["Running"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Program_with_an_input_that_ended_before_it_was_joined_is_shown_from_its_log()
    {
        _docker.Engine.Program = _ => new PlayedProgram("quick\n", "", 0);
        _docker.Node.Refusal = new BusErrorException(ErrorCodes.Conflict, "machine \"main\" does not run: it is Exited");
        _docker.Node.Open = async opening => await opening.RefuseAsync(await opening.AnswerAsync());
        string id = await _docker.CreateAsync("web", ",\"OpenStdin\":true");
        (_, NetworkStream wire) = await _docker.HijackAsync($"/containers/{id}/attach?stdin=1&stdout=1&stderr=1&stream=1");
        Assert.Equal(204, (await _docker.AskAsync("POST", $"/containers/{id}/start")).Status);
        Assert.Equal("1:quick\n", await DockerBench.FramesAsync(wire));
    }

    [Fact]
    public async Task Exec_has_input_output_and_a_code_that_is_known_at_its_end()
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        ExecBegin? begun = null;
        _docker.Play(async (session, begin) =>
        {
            begun = begin;
            byte[] buffer = new byte[100];
            int count = await session.ReadAsync(0, buffer);
            while (await session.ReadAsync(0, new byte[10]) > 0)
                continue;
            await session.WriteAsync(1, buffer.AsMemory(0, count));
            await session.WriteAsync(2, "err"u8.ToArray());
            return 3;
        });
        string id = await _docker.CreateAsync("web");
        await _docker.JsonAsync("POST", "/containers/web/exec", """{"Cmd":["cat"]}""", 409);
        await _docker.AskAsync("POST", $"/containers/{id}/start");
        string exec = (await _docker.JsonAsync("POST", "/containers/web/exec",
            """{"User":"u","Env":["A=1"],"WorkingDir":"/srv","AttachStdin":true,"AttachStdout":true,"AttachStderr":true,"Cmd":["cat","-"]}""",
            201))["Id"]!.ToString();
        Assert.False((await _docker.JsonAsync("GET", $"/exec/{exec}/json"))["Running"]!.GetValue<bool>());
        (string head, NetworkStream wire) = await _docker.HijackAsync($"/exec/{exec}/start", """{"Detach":false,"TTY":false}""");
        Assert.StartsWith("HTTP/1.1 101", head, StringComparison.Ordinal);
        await wire.WriteAsync("hello"u8.ToArray());
        wire.Socket.Shutdown(SocketShutdown.Send);
        string frames = await DockerBench.FramesAsync(wire);
        Assert.True(frames is "1:hello2:err" or "2:err1:hello", frames);
        JsonNode shown = await _docker.JsonAsync("GET", $"/exec/{exec}/json");
        Assert.Equal((false, 3, id), (shown["Running"]!.GetValue<bool>(), shown["ExitCode"]!.GetValue<int>(), shown["ContainerID"]!.ToString()));
        Assert.Equal(["cat", "-"], begun!.Arguments);
        Assert.Equal(["A=1"], begun.Environment);
        Assert.Equal(("u", "/srv"), (begun.User, begun.WorkingDirectory));
        await _docker.JsonAsync("POST", "/exec/nosuch/start", "{}", 404);
    }

    [Fact]
    public async Task Exec_with_a_terminal_is_raw_and_has_its_size()
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        TaskCompletionSource<(int, int)> size = new();
        _docker.Play(async (session, begin) =>
        {
            Assert.Equal(new TerminalSize(100, 30), begin.Terminal);
            size.SetResult((await session.Events.ReadAsync()).Size);
            await session.WriteAsync(1, "raw"u8.ToArray());
            return 0;
        });
        string id = await _docker.CreateAsync("web");
        await _docker.AskAsync("POST", $"/containers/{id}/start");
        string exec = (await _docker.JsonAsync("POST", "/containers/web/exec", """{"Tty":true,"ConsoleSize":[30,100],"Cmd":["sh"]}""", 201))["Id"]!.ToString();
        (string head, NetworkStream wire) = await _docker.HijackAsync($"/exec/{exec}/start", """{"Detach":false,"Tty":true}""");
        Assert.Contains("raw-stream", head, StringComparison.Ordinal);
        Assert.Equal(200, (await _docker.AskAsync("POST", $"/exec/{exec}/resize?h=40&w=132")).Status);
        Assert.Equal((132, 40), await size.Task.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal("raw", await DockerBench.TextAsync(wire));
    }

    [Fact]
    public async Task Exec_that_is_refused_is_text_and_126_and_no_error_of_the_connection()
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        _docker.Node.Program = async session =>
        {
            await session.BegunAsync();
            await session.CloseAsync(SessionCloseReason.Refused, "there is no user \"nobody\" in this machine");
        };
        string id = await _docker.CreateAsync("web");
        await _docker.AskAsync("POST", $"/containers/{id}/start");
        string exec = (await _docker.JsonAsync("POST", "/containers/web/exec", """{"Cmd":["id"]}""", 201))["Id"]!.ToString();
        (string head, NetworkStream wire) = await _docker.HijackAsync($"/exec/{exec}/start", "{}");
        Assert.StartsWith("HTTP/1.1 101", head, StringComparison.Ordinal);
        Assert.Contains("no user", await DockerBench.FramesAsync(wire), StringComparison.Ordinal);
        Assert.Equal(126, (await _docker.JsonAsync("GET", $"/exec/{exec}/json"))["ExitCode"]!.GetValue<int>());
    }
}
