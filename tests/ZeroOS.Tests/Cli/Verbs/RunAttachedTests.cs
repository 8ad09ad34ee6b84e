using System.Text;
using System.Text.Json;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;
using ZeroOS.Tests.Bus.Sessions;
using ZeroOS.Tests.Oci.Build;
using ZeroOS.Tests.Oci.Pull;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos run with an input or a terminal in the foreground, against a node that keeps one deployment and whose program the test plays.</summary>
[Collection("zos")]
public sealed class RunAttachedTests : IAsyncLifetime
{
    private const uint Input = 0, Output = 1, Errors = 2;

    private readonly SessionNode _node;
    private readonly PlayedRegistry _registry = new();
    private readonly TemporaryDirectory _work = new();
    private Deployment? _deployment;
    private int _starts;

    public RunAttachedTests()
    {
        _node = new SessionNode(routes => routes
            .Add(Commands.DeploymentGet, Roles.Tenant, (_, _) => _deployment is { } d ? Status(d) : throw new BusErrorException(ErrorCodes.NotFound, "none"))
            .Add(Commands.DeploymentApply, Roles.Tenant, (_, body) => Status(_deployment = body.Deployment))
            .Add(Commands.MachineStart, Roles.Tenant, (_, _) => Start())
            .Add(Commands.MachineLogs, Roles.Tenant, (_, body, _) => Logs(body))
            .Add(Commands.EventsWatch, Roles.OwnerOrTenant, (_, _, _) => Events()));
        string digest = $"sha256:{new string('a', 64)}";
        _registry.Serve(Encoding.UTF8.GetBytes($$$"""
            {"schemaVersion":2,"artifactType":"application/vnd.zeroos.flist.v1","config":{"mediaType":"c","digest":"{{{digest}}}","size":7},
            "layers":[{"mediaType":"application/vnd.zeroos.flist.index.v1","digest":"{{{digest}}}","size":64}],
            "annotations":{"org.zeroos.flist.kind":"rootfs"}}
            """), "application/vnd.oci.image.manifest.v1+json");
    }

    public async Task InitializeAsync() => (await ZosRun.OfAsync(_work.Path, "key", "new")).Ended(0);

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        _registry.Dispose();
        _work.Dispose();
    }

    [Fact]
    public async Task Program_with_an_input_is_joined_from_its_start_and_its_exit_code_is_ours()
    {
        string came = "";
        Play(new AttachedProgram { Stdin = true }, async program =>
        {
            byte[] buffer = new byte[100];
            while (await program.ReadAsync(Input, buffer) is > 0 and int count)
                came += Encoding.UTF8.GetString(buffer, 0, count);
            await program.WriteAsync(Output, "sorted\n"u8.ToArray());
            await program.WriteAsync(Errors, "careful\n"u8.ToArray());
        }, code: 3);
        using MemoryStream input = new("names\n"u8.ToArray());
        ZosRun run = (await RunAsync(input, "-i", "--rm", "demo/tools:1", "sort")).Ended(3);
        Assert.Equal(("names\n", "sorted\n"), (came, run.Out));
        Assert.Contains("careful\n", run.Error, StringComparison.Ordinal);
        ZmachineData machine = Assert.Single(_deployment!.Workloads.OfType<ZmachineWorkload>()).Data;
        Assert.Equal((true, false, RemovePolicy.OnExit), (machine.Stdin, machine.Tty, machine.Remove!.Value));
        Assert.Equal(1, _starts);       // by zos, once it listens to the log
    }

    [Fact]
    public async Task Output_that_is_not_there_any_more_is_said()
    {
        Play(new AttachedProgram { Tty = true, Skipped = 1000 }, program => program.WriteAsync(Output, "late"u8.ToArray()));
        ZosRun run = (await RunAsync(Stream.Null, "-t", "demo/tools:1")).Ended(0);
        Assert.Equal("late", run.Out);
        Assert.Contains("the first 1000 bytes of output came too early; zos logs try has them", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, _starts);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(SessionCloseReason.Refused)]
    [InlineData(SessionCloseReason.MachineEnded)]
    public async Task Program_that_has_ended_before_is_shown_from_its_log(SessionCloseReason? reason)
    {
        _node.Refusal = reason is null ? new BusErrorException(ErrorCodes.Conflict, "machine \"main\" does not run: it is Exited") : null;
        _node.Open = async opening =>
        {
            if (reason is not { } why)
            {
                await opening.RefuseAsync(await opening.AnswerAsync());
                return;
            }
            await using Session session = await opening.AcceptAsync();
            await session.BegunAsync();
            await session.CloseAsync(why, "the program has ended");
        };
        Assert.Equal("from the log\n", (await RunAsync(Stream.Null, "-i", "demo/tools:1", "true")).Ended(7).Out);
    }

    private void Play(AttachedProgram told, Func<Session, Task> play, int code = 0) => _node.Program = async program =>
    {
        Assert.Equal("{\"fromStart\":true}", Encoding.UTF8.GetString(await program.BegunAsync()));
        await program.WriteAsync(Input, JsonSerializer.SerializeToUtf8Bytes(told, SessionJson.Default.AttachedProgram));
        await program.EndAsync(Input);
        await play(program);
        await program.EndAsync(Output);
        await program.EndAsync(Errors);
        await program.ExitAsync(Input, code);
        await program.CloseAsync(SessionCloseReason.Done);
    };

    private Task<ZosRun> RunAsync(Stream input, params string[] words) => ZosRun.WithInputAsync(_work.Path, input, null,
        ["run", "--node", _node.Address, "--registry", $"demo={_registry.Url}", "--name", "try", .. words]).WaitAsync(TimeSpan.FromSeconds(60));

    private Nothing Start()
    {
        _starts++;
        return new Nothing();
    }

    private static DeploymentStatus Status(Deployment deployment) => new()
    {
        Deployment = deployment,
        Workloads = [.. deployment.Workloads.Select(w => new WorkloadStatus
        {
            Name = w.Name,
            Type = w is ZmachineWorkload ? "zmachine" : "network",
            State = w is ZmachineWorkload ? WorkloadState.Exited : WorkloadState.Running,
            ExitCode = w is ZmachineWorkload ? 7 : null,
        })],
    };

    private static async IAsyncEnumerable<NodeEvent> Events()
    {
        await Task.Yield();
        yield return new NodeEvent { Number = 0, Time = DateTimeOffset.UnixEpoch, Kind = EventKinds.Watching };
    }

    private static async IAsyncEnumerable<LogPiece> Logs(MachineLogs asked)
    {
        await Task.Yield();
        if (asked.AtOnce)
            yield return new LogPiece { Data = "", Runs = [], Position = 0 };
        byte[] line = "from the log\n"u8.ToArray();
        yield return new LogPiece { Data = Convert.ToBase64String(line), Runs = [new LogRun(OutputStream.StandardOutput, line.Length, null)], Position = 0 };
    }
}
