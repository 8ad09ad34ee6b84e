using Xunit;

using ZeroOS.Bus.Client;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Tests.Client;

public sealed class ResumedStreamTests
{
    private readonly List<long> _asked = [];

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
    }

    [Fact]
    public async Task What_the_node_refuses_and_what_is_not_its_own_ends_the_stream()
    {
        await Assert.ThrowsAsync<BusErrorException>(() => ReadAsync(_ => Pieces([1], new BusErrorException(ErrorCodes.NotFound, "gone"))));
        await Assert.ThrowsAsync<SpoofedReplyException>(() => ReadAsync(_ => Pieces([1], new SpoofedReplyException("another node"))));
        await Assert.ThrowsAsync<BusTransportException>(() => ReadAsync(_ => Pieces([1], new BusTransportException("busy", 429))));
        Assert.Equal([0, 0, 0], _asked);
    }

    [Fact]
    public async Task A_stream_that_is_not_followed_is_not_asked_for_twice()
    {
        await Assert.ThrowsAsync<UnfinishedReplyException>(() => ReadAsync(_ => Pieces([1], new UnfinishedReplyException("cut")), resume: false));
        Assert.Single(_asked);
    }

    /// <summary>Reads it all; where a request is repeated, only the <paramref name="fails"/>-th time differs.</summary>
    private async Task<List<int>> ReadAsync(Func<long, IAsyncEnumerable<int>> answer, bool resume = true, int fails = 0)
    {
        List<int> read = [];
        await foreach (int piece in ResumedStream.ReadAsync(0L, after =>
        {
            _asked.Add(after);
            return fails > 0 && _asked.Count(a => a == after) == fails ? Pieces([4, 5, 6], null) : answer(after);
        }, (_, piece) => piece, resume, TimeProvider.System, default))
        {
            read.Add(piece);
        }
        return read;
    }

    private static async IAsyncEnumerable<int> Pieces(int[] pieces, Exception? end)
    {
        await Task.Yield();
        foreach (int piece in pieces)
            yield return piece;
        if (end is not null)
            throw end;
    }
}
