using System.Text;

using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Tests.Oci.Pull;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos run and create as people type them, against a registry and a node that the test plays.</summary>
[Collection("zos")]
public sealed class RunVerbTests : IAsyncLifetime
{
    private static readonly string s_flist = $$"""
        {"schemaVersion":2,"artifactType":"application/vnd.zeroos.flist.v1","config":{"mediaType":"c","digest":"sha256:{{new string('a', 64)}}","size":7},
        "layers":[{"mediaType":"application/vnd.zeroos.flist.index.v1","digest":"sha256:{{new string('a', 64)}}","size":64},
        {"mediaType":"application/vnd.zeroos.flist.data.v1","digest":"sha256:{{new string('b', 64)}}","size":100}],
        "annotations":{"org.zeroos.flist.kind":"rootfs"} }
        """;

    private readonly PlayedRegistry _registry = new();
    private ZosBench _zos = null!;

    public async Task InitializeAsync()
    {
        _registry.Serve(Encoding.UTF8.GetBytes(s_flist), "application/vnd.oci.image.manifest.v1+json");
        _zos = await ZosBench.StartAsync();
        await _zos.SettleAsync();
    }

    public async Task DisposeAsync()
    {
        await _zos.DisposeAsync();
        _registry.Dispose();
    }

    [Fact]
    public async Task One_that_goes_with_its_end_is_listened_to_before_it_starts_and_the_node_deletes_it()
    {
        _zos.Becomes = (status, _) => status with { State = WorkloadState.Exited, ExitCode = 3, Starts = 1 };
        _zos.Logs = Output;
        ZosRun run = (await Run("run", "--rm", "--name", "job")).Ended(3);
        Assert.Equal("hi\n", run.Out);
        Assert.Equal([new MachineName { Deployment = "job", Machine = "main" }], _zos.Turned);
        Assert.Equal((false, RemovePolicy.OnExit, RestartPolicy.Never), (Data("job").Run!.Value, Data("job").Remove!.Value, Data("job").Restart));
        Assert.Empty(_zos.Deleted);

        IEnumerable<LogPiece> Output(MachineLogs request)
        {
            Assert.True(request is { AtOnce: true, Follow: true });
            Assert.Empty(_zos.Turned);
            yield return new LogPiece { Data = "", Runs = [], Position = 0 };
            yield return new LogPiece
            {
                Data = Convert.ToBase64String("hi\n"u8),
                Runs = [new LogRun(OutputStream.StandardOutput, 3, null)],
                Position = 9
            };
        }
    }

    [Fact]
    public async Task A_detached_one_is_left_to_the_node()
    {
        Assert.Equal("job\n", (await Run("run", "-d", "--rm", "--restart", "on-failure:5", "--name", "job")).Ended(0).Out);
        Assert.Equal((null, RemovePolicy.OnExit, 5), (Data("job").Run, Data("job").Remove!.Value, Data("job").MaxRestarts!.Value));
        Assert.Empty(_zos.Turned);
        Assert.Empty(_zos.LogsAsked);
    }

    [Fact]
    public async Task Create_stores_what_run_would_run_and_starts_nothing()
    {
        Assert.Equal("job\n", (await Run("create", "-p", "8080:80", "--name", "job")).Ended(0).Out);
        Assert.Equal((false, null), (Data("job").Run!.Value, Data("job").Remove));
        Assert.Equal(8080, Assert.Single(Data("job").Publish).Host);
        Assert.Empty(_zos.Turned);
        Assert.Contains("already", await _zos.Fails(125, [.. Words("create", "--name", "job")]), StringComparison.Ordinal);
    }

    private Task<ZosRun> Run(params string[] words) => _zos.Run(Words(words));

    private string[] Words(params string[] words) => [.. words, "--registry", $"demo={_registry.Url}", "demo/job:1"];

    private ZmachineData Data(string deployment) => _zos.Stored(deployment).Workloads.OfType<ZmachineWorkload>().Single().Data;
}
