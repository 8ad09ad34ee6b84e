using System.Buffers;
using System.IO.Pipelines;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;

namespace ZeroOS.Bus.Client;

/// <summary>The direct transport, from the client's side: <c>POST http://host:8051/bus</c>, one envelope a line back.</summary>
public sealed class HttpTransport : IBusTransport, IDisposable
{
    /// <summary>Longest line accepted from a node.</summary>
    public const int MaxLineBytes = 16 << 20;

    private readonly HttpClient _http;
    private readonly Uri _address;
    private readonly string _peer;

    /// <summary>Speaks to <paramref name="host"/> (name or address) on <paramref name="port"/>; <paramref name="connectTimeout"/> bounds the connection only.</summary>
    public HttpTransport(string host, int port, TimeSpan connectTimeout)
    {
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = connectTimeout,
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
        429 => $"{_peer} has no time for strangers just now; ask its owner for a grant, or try again in a minute",
        _ => $"{_peer} answers HTTP {status}",
    };
}
