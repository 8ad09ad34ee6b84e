using System.Text;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Tests.Bus.Sessions;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos top against a machine that the test plays.</summary>
[Collection("zos")]
public sealed class TopVerbTests : IAsyncLifetime
{
    private readonly SessionNode _node = new();
    private readonly TemporaryDirectory _work = new();

    public async Task InitializeAsync() => (await ZosRun.OfAsync(_work.Path, "key", "new")).Ended(0);

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        _work.Dispose();
    }

    [Fact]
    public async Task Processes_are_a_table_or_json_and_what_is_left_out_is_said()
    {
        const string Json = """{"processes":[{"id":1,"parent":0,"user":33,"state":"S","startMs":8640000000,"command":"nginx\u001b[2J"}],"more":true}""";
        Say(Json);
        ZosRun run = (await TopAsync("shop/web")).Ended(0);
        string[] lines = run.Out.Split('\n');
        Assert.Equal(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("33   1    0     0  1970", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("?    00:00:00  nginx?[2J", lines[1], StringComparison.Ordinal);
        Assert.Equal("zos: there are more processes than these 1\n", run.Error);
        Assert.Equal((SessionKinds.Processes, "shop", "web"), (_node.Opened!.Kind, _node.Opened.Deployment, _node.Opened.Machine));
        Say(Json);
        run = (await TopAsync("--json", "shop/web")).Ended(0);
        Assert.StartsWith("""{"processes":[{"id":1,"parent":0,"user":33,"state":"S",""", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "cannot be read")]
    [InlineData("""{"processes":[{"id":0,"parent":0,"user":0,"state":"S","command":""}]}""", "cannot be read")]
    [InlineData("""{"processes":[{"id":1,"parent":0,"user":0,"state":"S","command":"","startMs":253402300800000}]}""", "cannot be read")]
    [InlineData("""{"processes":[null]}""", "cannot be read")]
    [InlineData(null, "is longer than 262144 bytes")]
    public async Task List_that_is_too_long_or_not_one_is_refused(string? json, string sentence)
    {
        Say(json ?? new string(' ', ProcessList.MaxBytes + 1));
        Assert.Contains(sentence, (await TopAsync("shop/web")).Ended(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Machine_that_knows_no_such_session_is_believed()
    {
        _node.Program = async session =>
        {
            await session.BegunAsync();
            await session.CloseAsync(SessionCloseReason.Refused, "the machine knows no session of kind processes");
        };
        Assert.Equal("zos: the machine knows no session of kind processes\n", (await TopAsync("shop/web")).Ended(1).Error);
    }

    private void Say(string json) => _node.Program = async session =>
    {
        Assert.Equal("{}", Encoding.UTF8.GetString(await session.BegunAsync()));
        try
        {
            await session.WriteAsync(1, Encoding.UTF8.GetBytes(json));
            await session.EndAsync(1);
            await session.CloseAsync(SessionCloseReason.Done);
        }
        catch (SessionException)
        {
            // zos has read enough
        }
    };

    private Task<ZosRun> TopAsync(params string[] words) =>
        ZosRun.OfAsync(_work.Path, ["top", "--node", _node.Address, .. words]).WaitAsync(TimeSpan.FromSeconds(60));
}
