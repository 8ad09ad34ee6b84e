using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

using ZeroOS.Linux;

namespace ZeroOS.Bus.Client;

/// <summary>
/// The direct transport, from the client's side: <c>POST http://host:8051/bus</c>, one envelope a line back, and <c>POST /session</c>, which goes on as a
/// session. A connection to a node that is gone without a word ends after <see cref="TcpKeepAlive.Silence"/>; one to a node that has nothing to say lasts.
/// </summary>
public sealed class HttpTransport : ISessionTransport, IDisposable
{
    /// <summary>Longest line accepted from a node.</summary>
    public const int MaxLineBytes = 16 << 20;

    private readonly HttpClient _bus;
    private readonly HttpClient _sessions;
    private readonly Uri _busAddress;
    private readonly Uri _sessionAddress;
    private readonly string _peer;

    /// <summary>
    /// Speaks to <paramref name="host"/> (name or address) on <paramref name="port"/>; <paramref name="connectTimeout"/> bounds the connection only.
    /// </summary>
    public HttpTransport(string host, int port, TimeSpan connectTimeout)
        : this(host, port, connectTimeout, TcpKeepAlive.Usual, static () => new Socket(SocketType.Stream, ProtocolType.Tcp))
    {
    }

    /// <summary>As above, over sockets that <paramref name="open"/> makes.</summary>
    internal HttpTransport(string host, int port, TimeSpan connectTimeout, TcpKeepAlive keepAlive, Func<Socket> open)
    {
        _bus = Client(connectTimeout, Timeout.InfiniteTimeSpan, open, keepAlive.SetForMessages);
        // The node takes an opening only as the first request of a connection, so none is ever used twice. And what is sent in a session waits for a program
        // that may take its time: the session itself notices a peer that is gone.
        _sessions = Client(connectTimeout, TimeSpan.Zero, open, keepAlive.Set);
        _busAddress = new UriBuilder(Uri.UriSchemeHttp, host, port, "/bus").Uri;
        _sessionAddress = new UriBuilder(Uri.UriSchemeHttp, host, port, "/session").Uri;
        _peer = $"{host}:{port}";
    }

    /// <summary>Sends one envelope and yields the lines of the answer.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using HttpResponseMessage response = await PostAsync(_bus, _busAddress, envelope, cancellation);
        if ((int)response.StatusCode != 200)
            throw new BusTransportException(Explain((int)response.StatusCode), (int)response.StatusCode);
        PipeReader reader = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellation));
        try
        {
            while (await ReadLineAsync(reader, cancellation) is byte[] line)
            {
                if (line.Length > 0)
                    yield return line;
            }
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    /// <inheritdoc/>
    public async Task<SessionAnswer> OpenAsync(ReadOnlyMemory<byte> envelope, CancellationToken cancellation)
    {
        HttpResponseMessage response = await PostAsync(_sessions, _sessionAddress, envelope, cancellation);
        bool switched = false;
        try
        {
            if (response.StatusCode is not (HttpStatusCode.SwitchingProtocols or HttpStatusCode.OK))
                throw new BusTransportException(ExplainOpening((int)response.StatusCode), (int)response.StatusCode);
            Stream stream = await response.Content.ReadAsStreamAsync(cancellation);
            byte[] line = await ReadAnswerAsync(stream, cancellation);
            switched = response.StatusCode == HttpStatusCode.SwitchingProtocols;
            return new SessionAnswer(line, switched ? stream : null);
        }
        finally
        {
            // The response owns the stream: one that goes on is closed by whoever has it.
            if (!switched)
                response.Dispose();
        }
    }

    /// <summary>Closes its connections, but for those that became sessions.</summary>
    public void Dispose()
    {
        _bus.Dispose();
        _sessions.Dispose();
    }

    private static HttpClient Client(TimeSpan connectTimeout, TimeSpan lifetime, Func<Socket> open, Action<Socket> keepAlive) =>
        new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = connectTimeout,
            ConnectCallback = async (context, cancellation) =>
            {
                Socket socket = open();
                try
                {
                    socket.NoDelay = true;
                    keepAlive(socket);
                    await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
            MaxResponseHeadersLength = 8,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            PooledConnectionLifetime = lifetime,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,     // streams last as long as they are wanted; callers cancel
        };

    private async Task<HttpResponseMessage> PostAsync(HttpClient http, Uri address, ReadOnlyMemory<byte> envelope, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, address)
        {
            Content = new ReadOnlyMemoryContent(envelope) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            throw new BusTransportException($"{_peer} cannot be reached: {(e.InnerException ?? e).Message}", 0, e);
        }
    }

    // A byte at a time, out of the buffer that the response's head was read into: not one of those behind the line is taken, they are the session's.
    private async Task<byte[]> ReadAnswerAsync(Stream stream, CancellationToken cancellation)
    {
        byte[] line = new byte[ISessionTransport.MaxAnswerBytes + 1];
        for (int length = 0; length < line.Length; length++)
        {
            try
            {
                if (await stream.ReadAsync(line.AsMemory(length, 1), cancellation) == 0)
                    throw new BusTransportException($"{_peer} broke off before its answer");
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                throw new BusTransportException($"{_peer} broke off: {e.Message}", 0, e);
            }
            if (line[length] == '\n')
                return line[..length];
        }
        throw new BusTransportException($"{_peer} answers with a line over {ISessionTransport.MaxAnswerBytes} bytes");
    }

    private async Task<byte[]?> ReadLineAsync(PipeReader reader, CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult result;
            try
            {
                result = await reader.ReadAsync(cancellation);
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                throw new BusTransportException($"{_peer} broke off: {e.Message}", 0, e);
            }
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (buffer.PositionOf((byte)'\n') is SequencePosition end)
            {
                byte[] line = buffer.Slice(0, end).ToArray();
                reader.AdvanceTo(buffer.GetPosition(1, end));
                return line;
            }
            if (buffer.Length > MaxLineBytes)
                throw new BusTransportException($"{_peer} answers with a line over {MaxLineBytes} bytes");
            reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
                return null;        // half a line is no envelope; the missing end is noticed one level up
        }
    }

    private string ExplainOpening(int status) => status switch
    {
        404 => $"{_peer} knows no sessions: the node's version is older than this zos",
        _ => Explain(status),
    };

    private string Explain(int status) => status switch
    {
        400 => $"{_peer} did not take it for a signed message",
        404 => $"{_peer} is no ZeroOS node: it knows no /bus",
        413 => $"{_peer} finds the message too large (1 MiB; 4 KiB without a grant)",
        429 => $"{_peer} takes no more messages from this address for now; a key with a grant gets more; try again in a minute",
        _ => $"{_peer} answers HTTP {status}",
    };
}
