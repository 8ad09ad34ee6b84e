using System.Runtime.CompilerServices;

using Xunit;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Gates;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Client;

/// <summary>Streams that the test plays, of a node on its real bus that answers node.info or does not.</summary>
public sealed class ResumedStreamTests : IBusTransport
{
    private readonly GateBench _bench = new(withCommands: false);
    private readonly GateTransport _wire;
    private readonly List<long> _asked = [];
    private readonly SemaphoreSlim _dialled = new(0);
    private bool _away;
    private bool _hangs;
    private int _lost;

    public ResumedStreamTests()
    {
        _bench.Routes.Add(Commands.NodeInfo, Roles.Anyone, _ => _bench.Info());
        _wire = new GateTransport(_bench);
    }

    [Fact]
    public async Task A_stream_that_breaks_goes_on_behind_its_last_piece_and_nothing_comes_twice()
    {
        Assert.Equal([1, 2, 3, 4, 5, 6], await ReadAsync(after => after switch
        {
            0 => Pieces([1, 2], new UnfinishedReplyException("cut")),
            2 => Pieces([3], new BusTransportException("broke off")),
            3 => Pieces([], new BusTransportException("cannot be reached")),
            _ => Pieces([4, 5, 6], null),
        }, fails: 2));
        Assert.Equal([0, 2, 3, 3], _asked);
        Assert.Equal(0, _lost); // it was there when it was dialled
    }

    [Fact]
    public async Task What_the_node_refuses_and_what_is_not_its_own_ends_the_stream()
    {
        await Assert.ThrowsAsync<BusErrorException>(() => ReadAsync(_ => Pieces([1], new BusErrorException(ErrorCodes.NotFound, "gone"))));
        await Assert.ThrowsAsync<SpoofedReplyException>(() => ReadAsync(_ => Pieces([1], new SpoofedReplyException("another node"))));
        await Assert.ThrowsAsync<BusTransportException>(() => ReadAsync(_ => Pieces([1], new BusTransportException("busy", 429))));
        await Assert.ThrowsAsync<BusErrorException>(() => ReadAsync(_ => Pieces([], new BusErrorException(ErrorCodes.Busy, "8 streams", retryable: true))));
        Assert.Equal([0, 0, 0, 0], _asked);
    }

    [Fact]
    public async Task A_node_that_comes_up_may_refuse_for_a_moment()
    {
        Assert.Equal([1, 4, 5, 6], await ReadAsync(after => after == 0 ? Pieces([1], new UnfinishedReplyException("cut"))
            : Pieces([], new BusErrorException(ErrorCodes.Busy, "8 streams", retryable: true)), fails: 3));
        Assert.Equal([0, 1, 1, 1], _asked);
    }

    [Fact]
    public async Task A_stream_that_is_not_followed_is_not_asked_for_twice()
    {
        await Assert.ThrowsAsync<UnfinishedReplyException>(() => ReadAsync(_ => Pieces([1], new UnfinishedReplyException("cut")), resume: false));
        Assert.Single(_asked);
    }

    [Fact]
    public async Task A_node_that_never_answered_was_not_lost()
    {
        _away = true;
        await Assert.ThrowsAsync<BusTransportException>(() => ReadAsync(_ => Pieces([], new BusTransportException("cannot be reached")), spoken: false));
        Assert.Equal((1, 0), (_asked.Count, _lost));
    }

    [Fact]
    public async Task A_quiet_stream_of_a_node_that_is_there_goes_on()
    {
        Task<List<int>> read = ReadAsync(_ => Pieces([1], null, then: After(dials: 3)));
        Assert.Equal([1, 2], await read);
        Assert.Equal([0], _asked);
        Assert.Equal(0, _lost);
    }

    [Fact]
    public async Task A_quiet_stream_of_a_node_that_was_reset_is_asked_for_again()
    {
        Assert.Equal([1, 4, 5, 6], await ReadAsync(after =>
        {
            if (after > 0)
                return Pieces([4, 5, 6], null);
            _bench.Epoch.ClockStepped();
            return Pieces([1], null, then: Task.Delay(Timeout.Infinite));
        }));
        Assert.Equal([0, 1], _asked);
        Assert.Equal(1, _lost);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_node_that_falls_silent_is_said_once_and_given_up_in_the_end(bool hangs)
    {
        Task<List<int>> read = ReadAsync(_ =>
        {
            (_away, _hangs) = (!hangs, hangs);
            return Pieces([1], hangs ? new BusTransportException("broke off") : null, then: hangs ? null : Task.Delay(Timeout.Infinite));
        }, patience: TimeSpan.FromSeconds(1), answers: TimeSpan.FromSeconds(0.1));
        ClientException e = await Assert.ThrowsAsync<ClientException>(() => read);
        Assert.Contains("has not come back within 1 seconds", e.Message, StringComparison.Ordinal);
        Assert.Equal([0], _asked);
        Assert.Equal(1, _lost);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_interrupt_ends_it_while_it_listens_and_while_it_dials(bool dialling)
    {
        using CancellationTokenSource interrupt = new();
        Task<List<int>> read = ReadAsync(_ =>
        {
            _hangs = true;
            return Pieces([1], dialling ? new BusTransportException("broke off") : null, then: dialling ? null : Task.Delay(Timeout.Infinite));
        }, interrupt: interrupt.Token);
        await _dialled.WaitAsync();
        await interrupt.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
    }

    [Fact]
    public async Task A_question_is_asked_until_it_is_answered()
    {
        Reconnection reconnection = await SpeakAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(15));
        int asked = 0;
        Assert.Equal(7, await reconnection.InsistAsync(async c =>
        {
            if (++asked == 1)
                throw new BusTransportException("broke off");
            if (asked == 2)
            {
                _bench.Epoch.ClockStepped();
                await Task.Delay(Timeout.Infinite, c);
            }
            return 7;
        }, default));
        Assert.Equal(3, asked);
    }

    async IAsyncEnumerable<ReadOnlyMemory<byte>> IBusTransport.SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
    {
        _dialled.Release();
        if (_hangs)
            await Task.Delay(Timeout.Infinite, cancellation);
        if (_away)
            throw new BusTransportException("cannot be reached");
        await foreach (ReadOnlyMemory<byte> line in _wire.SendAsync(envelope, cancellation))
            yield return line;
    }

    private static async IAsyncEnumerable<int> Pieces(int[] pieces, Exception? end, Task? then = null,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await Task.Yield();
        foreach (int piece in pieces)
            yield return piece;
        if (end is not null)
            throw end;
        if (then is null)
            yield break;
        await then.WaitAsync(cancellation);
        yield return 2;
    }

    private async Task After(int dials)
    {
        for (int i = 0; i < dials; i++)
            await _dialled.WaitAsync();
    }

    private async Task<Reconnection> SpeakAsync(TimeSpan patience, TimeSpan answers, bool spoken = true)
    {
        BusClient bus = new(_bench.Alice, _bench.Node.Id, this, TimeProvider.System);
        if (spoken)
        {
            await bus.InfoAsync(default);
            await _dialled.WaitAsync();
        }
        TimeSpan silence = TimeSpan.FromMilliseconds(50);
        return new Reconnection(bus, TimeProvider.System) { Silence = silence, Patience = patience, AnswersWithin = answers, Lost = () => _lost++ };
    }

    /// <summary>Reads it all; where a request is repeated, only the <paramref name="fails"/>-th time differs.</summary>
    private async Task<List<int>> ReadAsync(Func<long, IAsyncEnumerable<int>> answer, bool resume = true, int fails = 0, bool spoken = true,
        TimeSpan? patience = null, TimeSpan? answers = null, CancellationToken interrupt = default)
    {
        List<int> read = [];
        Reconnection reconnection = await SpeakAsync(patience ?? TimeSpan.FromMinutes(1), answers ?? TimeSpan.FromSeconds(15), spoken);
        await foreach (int piece in ResumedStream.ReadAsync(0L, (after, stop) =>
        {
            _asked.Add(after);
            return fails > 0 && _asked.Count(a => a == after) == fails ? Pieces([4, 5, 6], null, cancellation: stop) : answer(after);
        }, (_, piece) => piece, resume ? reconnection : null, interrupt))
        {
            read.Add(piece);
        }
        return read;
    }
}
