using System.Net;
using System.Net.Sockets;
using System.Text;

using Xunit;

using ZeroOS.Bus.Client;
using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Tests.Linux.Netlink;

namespace ZeroOS.Tests.Bus;

/// <summary>A client on two cables, each with a computer at its end that answers over HTTP. One of them loses its cable: nobody closes anything.</summary>
[Trait("tier", "kernel")]
public sealed class HttpTransportTests : IDisposable
{
    private static readonly TcpKeepAlive s_hasty = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), 2);
    private static readonly TimeSpan s_connect = TimeSpan.FromSeconds(30), s_deadline = TimeSpan.FromSeconds(60);

    private readonly List<IDisposable> _things = [];
    private NetworkNamespace _here = null!;

    public void Dispose()
    {
        for (int i = _things.Count - 1; i >= 0; i--)
            _things[i].Dispose();
    }

    [SkippableFact]
    public async Task A_node_that_is_gone_without_a_word_ends_its_stream_and_one_that_has_nothing_to_say_does_not()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        _here = Keep(NetworkNamespace.Create("client"));
        NetworkNamespace dead = Computer("dead", 1), living = Computer("living", 2);
        HttpService atDead = Keep(new HttpService(dead)), atLiving = Keep(new HttpService(living));
        HttpTransport toDead = Transport(1, atDead.Port), toLiving = Transport(2, atLiving.Port);
        await using IAsyncEnumerator<ReadOnlyMemory<byte>> kept = toLiving.SendAsync("stream"u8.ToArray(), default).GetAsyncEnumerator();
        Assert.True(await kept.MoveNextAsync());
        Task<bool> next = kept.MoveNextAsync().AsTask();
        await using IAsyncEnumerator<ReadOnlyMemory<byte>> cut = toDead.SendAsync("stream"u8.ToArray(), default).GetAsyncEnumerator();
        Assert.True(await cut.MoveNextAsync());

        dead.Route.ChangeLink(dead.Route.GetLink("card").Index, new LinkChange { Up = false });
        BusTransportException end = await Assert.ThrowsAsync<BusTransportException>(() => cut.MoveNextAsync().AsTask().WaitAsync(s_deadline));
        Assert.True(end.WasSilent, end.ToString());
        Assert.False(next.IsCompleted); // quiet for longer
        atLiving.SayMore();
        Assert.True(await next.WaitAsync(s_deadline));
    }

    [SkippableFact]
    public async Task A_question_on_a_connection_to_a_node_that_is_gone_ends()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        _here = Keep(NetworkNamespace.Create("client"));
        NetworkNamespace dead = Computer("dead", 1);
        HttpTransport transport = Transport(1, Keep(new HttpService(dead)).Port);
        Assert.Equal("one\n", await AskAsync(transport));
        dead.Route.ChangeLink(dead.Route.GetLink("card").Index, new LinkChange { Up = false });
        await Assert.ThrowsAsync<BusTransportException>(() => AskAsync(transport).WaitAsync(s_deadline));
    }

    private static async Task<string> AskAsync(HttpTransport transport)
    {
        StringBuilder text = new();
        await foreach (ReadOnlyMemory<byte> line in transport.SendAsync("question"u8.ToArray(), default))
            text.Append(Encoding.UTF8.GetString(line.Span)).Append('\n');
        return text.ToString();
    }

    private NetworkNamespace Computer(string name, int cable)
    {
        NetworkNamespace computer = Keep(NetworkNamespace.Create(name));
        _here.Route.CreateVeth($"to-{name}", "card", computer.Descriptor);
        Up(_here, $"to-{name}", $"10.78.{cable}.1");
        Up(computer, "card", $"10.78.{cable}.2");
        return computer;

        static void Up(NetworkNamespace space, string link, string address)
        {
            int index = space.Route.GetLink(link).Index;
            space.Route.PutAddress(index, IPAddress.Parse(address), 24);
            space.Route.ChangeLink(index, new LinkChange { Up = true });
        }
    }

    private HttpTransport Transport(int cable, int port) => Keep(new HttpTransport($"10.78.{cable}.2", port, s_connect, s_hasty,
        () => _here.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))));

    private T Keep<T>(T thing) where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }

    /// <summary>Answers one connection, on a thread of its own: a question at once, a stream with one line now and one when there is more.</summary>
    private sealed class HttpService : IDisposable
    {
        private readonly Socket _listener;
        private volatile Socket? _client;

        public HttpService(NetworkNamespace computer)
        {
            _listener = computer.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            _listener.Bind(new IPEndPoint(IPAddress.Any, 0));
            _listener.Listen();
            Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
            AnsweringThread.Start("http", Answer);
        }

        public int Port { get; }

        /// <summary>The second line of a stream whose first one has come.</summary>
        public void SayMore() => _client!.Send("4\r\ntwo\n\r\n"u8);

        public void Dispose()
        {
            _listener.Dispose();
            _client?.Dispose();
        }

        private void Answer()
        {
            Socket client = _listener.Accept();
            _client = client;
            byte[] buffer = new byte[4096];
            for (string request = ""; client.Receive(buffer) is > 0 and int length;)
            {
                request += Encoding.ASCII.GetString(buffer, 0, length);
                if (request.EndsWith("question", StringComparison.Ordinal))
                    client.Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\none\n"u8);
                else if (request.EndsWith("stream", StringComparison.Ordinal))
                    client.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n"u8);
            }
        }
    }
}
