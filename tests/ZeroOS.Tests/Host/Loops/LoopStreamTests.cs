using System.Net;
using System.Net.Sockets;

using Xunit;

using ZeroOS.Host.Loops;
using ZeroOS.Linux;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Host.Loops;

/// <summary>A stream over a socket whose other holder is hostile: no thread ever waits in it.</summary>
public sealed class LoopStreamTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    private readonly ClientLoop _loop = new("test", LineLog.Quiet);

    public void Dispose() => _loop.Dispose();

    [Fact]
    public async Task Holder_of_a_duplicate_who_makes_the_socket_wait_stops_no_thread()
    {
        (StreamSocket ours, StreamSocket theirs) = StreamSocket.Pair();
        using FileDescriptor duplicate = ours.Descriptor.Duplicate();
        using StreamSocket peer = theirs;
        await using LoopStream stream = new(_loop, ours);
        byte[] one = new byte[1];
        for (int i = 0; i < 3; i++)
        {
            duplicate.SetNonBlocking(i == 1);
            ValueTask<int> read = stream.ReadAsync(one);        // would wait here
            Assert.False(read.IsCompleted);
            Assert.Equal(Errno.None, peer.TrySendAll("x"u8));
            Assert.Equal(1, await read.AsTask().WaitAsync(s_soon));
        }
        duplicate.SetNonBlocking(false);
        Task write = stream.WriteAsync(new byte[8 << 20]).AsTask();
        Assert.False(write.IsCompleted);
        peer.Dispose();
        await Assert.ThrowsAnyAsync<IOException>(() => write.WaitAsync(s_soon));
    }

    [Fact]
    public async Task Reading_is_given_up_without_losing_what_comes_later()
    {
        (StreamSocket ours, StreamSocket theirs) = StreamSocket.Pair();
        using StreamSocket peer = theirs;
        await using LoopStream stream = new(_loop, ours);
        byte[] some = new byte[10];
        using CancellationTokenSource given = new(20);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stream.ReadAsync(some, given.Token).AsTask().WaitAsync(s_soon));
        Assert.Equal(Errno.None, peer.TrySendAll("later"u8));
        Assert.Equal(5, await stream.ReadAsync(some).AsTask().WaitAsync(s_soon));
    }

    [Fact]
    public async Task Connection_of_tcp_ends_one_direction_at_a_time_and_is_closed_once()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        using Socket peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.LocalEndPoint!);
        Socket accepted = await listener.AcceptAsync();
        LoopStream stream = new(_loop, accepted);
        await stream.WriteAsync("last"u8.ToArray());
        stream.EndSending();
        byte[] some = new byte[10];
        Assert.Equal(4, await peer.ReceiveAsync(some.AsMemory()));
        Assert.Equal(0, await peer.ReceiveAsync(some.AsMemory()));
        await peer.SendAsync("still heard"u8.ToArray().AsMemory());
        Assert.Equal(10, await stream.ReadAsync(some).AsTask().WaitAsync(s_soon));
        Task<int> read = stream.ReadAsync(some).AsTask();
        Assert.Equal(1, await read.WaitAsync(s_soon));
        read = stream.ReadAsync(some).AsTask();
        await stream.DisposeAsync();
        await stream.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => read.WaitAsync(s_soon));
        Assert.Throws<ObjectDisposedException>(stream.EndSending);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.WriteAsync(some).AsTask());
    }
}
