using System.Threading.Channels;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sessions;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Docker.Node;
using ZeroOS.Docker.Ports;
using ZeroOS.Tests.Bus.Sessions;

namespace ZeroOS.Tests.Docker;

public sealed class LazySessionTests : IAsyncDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(60);
    private static readonly MachineName s_machine = new() { Deployment = "docker-1", Machine = "main" };

    private readonly SessionNode _node = new();
    private readonly IdentityKey _key = IdentityKey.Generate();
    private readonly HttpTransport _transport;
    private readonly NodePool _pool;
    private readonly Channel<SessionException> _ends = Channel.CreateUnbounded<SessionException>();

    public LazySessionTests()
    {
        _transport = new HttpTransport("127.0.0.1", _node.Port, TimeSpan.FromSeconds(10));
        _pool = new NodePool(() => new NodeClient(new BusClient(_key, _node.Gate.Node.Id, _transport, TimeProvider.System)));
        _node.Program = async session => _ends.Writer.TryWrite(await session.Ended);
    }

    public async ValueTask DisposeAsync()
    {
        _transport.Dispose();
        await _node.DisposeAsync();
        _key.Dispose();
    }

    [Fact]
    public async Task Idle_session_is_closed_and_the_next_connection_opens_another()
    {
        await using LazySession lazy = new(_pool, s_machine, new SemaphoreSlim(2), TimeSpan.FromMilliseconds(50));
        Assert.Equal(0, _node.Openings);
        for (int i = 1; i <= 2; i++)
        {
            await lazy.UseAsync(_ => Task.CompletedTask, default);
            SessionException end = await _ends.Reader.ReadAsync().AsTask().WaitAsync(s_soon);
            Assert.Equal((SessionCloseReason.Cancelled, "nobody is connected"), (end.Reason, end.Message));
            Assert.Equal(i, _node.Openings);
        }
        Assert.Equal((SessionKinds.Forward, "docker-1", "main"), (_node.Opened!.Kind, _node.Opened.Deployment, _node.Opened.Machine));
    }

    [Fact]
    public async Task Session_that_is_used_stays_and_is_that_of_every_connection()
    {
        await using LazySession lazy = new(_pool, s_machine, new SemaphoreSlim(1), TimeSpan.FromMilliseconds(50));
        await lazy.UseAsync(async first =>
        {
            await lazy.UseAsync(second =>
            {
                Assert.Same(first, second);
                return Task.CompletedTask;
            }, default);
            Task stays = Task.Delay(300);
            Assert.Same(stays, await Task.WhenAny(first.Ended, stays));
        }, default);
        Assert.Equal(1, _node.Openings);
    }

    [Fact]
    public async Task Session_beyond_the_most_is_refused_until_another_is_closed()
    {
        SemaphoreSlim places = new(1);
        await using LazySession other = new(_pool, s_machine, places, s_soon);
        await using (LazySession one = new(_pool, s_machine, places, s_soon))
        {
            await one.UseAsync(_ => Task.CompletedTask, default);
            SessionException refused = await Assert.ThrowsAsync<SessionException>(() => other.UseAsync(_ => Task.CompletedTask, default));
            Assert.Equal(SessionCloseReason.OverCapacity, refused.Reason);
        }
        await other.UseAsync(_ => Task.CompletedTask, default);
        Assert.Equal(2, _node.Openings);
    }

    [Fact]
    public async Task Session_that_is_not_opened_is_an_error_for_whoever_waits_and_the_next_tries_again()
    {
        SemaphoreSlim places = new(1);
        await using LazySession lazy = new(_pool, s_machine, places, s_soon);
        Func<SessionOpening, Task> accept = _node.Open;
        _node.Open = async opening => await opening.RefuseAsync(await opening.AnswerAsync());
        _node.Refusal = new BusErrorException(ErrorCodes.Conflict, "machine \"main\" does not run: it is Exited");
        await Assert.ThrowsAsync<BusErrorException>(() => lazy.UseAsync(_ => Task.CompletedTask, default));
        await places.WaitAsync().WaitAsync(s_soon);
        places.Release();
        (_node.Refusal, _node.Open) = (null, accept);
        await lazy.UseAsync(_ => Task.CompletedTask, default);
    }
}
