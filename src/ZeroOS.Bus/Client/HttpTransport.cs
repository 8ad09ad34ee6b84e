using System.Buffers;
using System.IO.Pipelines;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

using ZeroOS.Linux;

namespace ZeroOS.Bus.Client;

/// <summary>
/// The direct transport, from the client's side: <c>POST http://host:8051/bus</c>, one envelope a line back. A connection to a node that is gone without a word
/// ends after <see cref="TcpKeepAlive.Silence"/>; one to a node that has nothing to say lasts.
/// </summary>
public sealed class HttpTransport : IBusTransport, IDisposable
{
    /// <summary>Longest line accepted from a node.</summary>
    public const int MaxLineBytes = 16 << 20;

    private readonly HttpClient _http;
    private readonly Uri _address;
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
        _http = new HttpClient(new SocketsHttpHandler
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
                    keepAlive.SetForMessages(socket);
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
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,     // streams last as long as they are wanted; callers cancel
        };
        _address = new UriBuilder(Uri.UriSchemeHttp, host, port, "/bus").Uri;
        _peer = $"{host}:{port}";
    }

    /// <summary>Sends one envelope and yields the lines of the answer.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using HttpResponseMessage response = await PostAsync(envelope, cancellation);
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

    /// <summary>Closes its connections.</summary>
    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> PostAsync(ReadOnlyMemory<byte> envelope, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, _address)
        {
            Content = new ReadOnlyMemoryContent(envelope) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            throw new BusTransportException($"{_peer} cannot be reached: {(e.InnerException ?? e).Message}", 0, e);
        }
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

    private string Explain(int status) => status switch
    {
        400 => $"{_peer} did not take it for a signed message",
        404 => $"{_peer} is no ZeroOS node: it knows no /bus",
        413 => $"{_peer} finds the message too large (1 MiB; 4 KiB without a grant)",
        429 => $"{_peer} takes no more messages from this address for now; a key with a grant gets more; try again in a minute",
        _ => $"{_peer} answers HTTP {status}",
    };
}
