using System.Net;

using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;

namespace ZeroOS.Node.Bus;

/// <summary>The direct transport: Kestrel on one TCP port, <c>POST /bus</c> and nothing else. It carries envelopes and decides nothing; limits are docs/bus.md's.</summary>
public sealed class BusServer : IAsyncDisposable, IHttpApplication<IFeatureCollection>
{
    /// <summary>The port everybody expects.</summary>
    public const int DefaultPort = 8051;

    /// <summary>Connections at most; then the oldest that never showed an admitted envelope goes.</summary>
    public const int MaxConnections = 512;

    private const string AnswerType = "application/x-ndjson";

    private readonly Gate _gate;
    private readonly Dispatcher _dispatcher;
    private readonly Routes _routes;
    private readonly KestrelServer _server;
    private readonly ConnectionTable _connections;
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Prepares to listen on every address.</summary>
    public BusServer(Gate gate, Dispatcher dispatcher, Routes routes, int port = DefaultPort, int maxConnections = MaxConnections)
    {
        (_gate, _dispatcher, _routes) = (gate, dispatcher, routes);
        _connections = new ConnectionTable(maxConnections);
        KestrelServerOptions options = new() { AddServerHeader = false, AllowSynchronousIO = false };
        options.Limits.MaxRequestBodySize = Gate.MaxBytes;
        options.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
        options.Limits.MaxRequestLineSize = 4 * 1024;
        options.Limits.MaxRequestHeaderCount = 32;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
        options.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(5));
        options.Limits.MaxRequestBufferSize = 64 * 1024;
        options.ListenAnyIP(port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection => _connections.ServeAsync(connection, next));
        });
        NullLoggerFactory quiet = NullLoggerFactory.Instance;    // nothing a stranger does may write a line
        _server = new KestrelServer(Options.Create(options), new SocketTransportFactory(Options.Create(new SocketTransportOptions { Backlog = 128 }), quiet), quiet);
    }

    /// <summary>The port it listens on: the system's choice if 0 was asked for.</summary>
    public int Port => new Uri(_server.Features.Get<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()!.Addresses.First()).Port;

    /// <summary>Listens.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public Task StartAsync(CancellationToken cancellation = default) => _server.StartAsync(this, cancellation);

    /// <summary>Stops listening and ends open streams.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _server.StopAsync(CancellationToken.None);
        _server.Dispose();
        _stopping.Dispose();
    }

    IFeatureCollection IHttpApplication<IFeatureCollection>.CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    void IHttpApplication<IFeatureCollection>.DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    async Task IHttpApplication<IFeatureCollection>.ProcessRequestAsync(IFeatureCollection context)
    {
        DefaultHttpContext http = new(context);
        if (http.Request.Path != "/bus" || !HttpMethods.IsPost(http.Request.Method))
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _stopping.Token);
        try
        {
            if (await ReadBodyAsync(http.Request, ends.Token) is ReadOnlyMemory<byte> envelope)
                await AnswerAsync(http, envelope, ends.Token);
            else
                http.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            http.Response.StatusCode = e.StatusCode;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            http.Abort();       // the asker has gone, or we are stopping: there is nobody to tell
        }
    }

    private async Task AnswerAsync(HttpContext http, ReadOnlyMemory<byte> envelope, CancellationToken cancellation)
    {
        IPAddress? remote = http.Connection.RemoteIpAddress;
        Admission admission = _gate.Admit(envelope.Span, Origin.Of(remote));
        if (admission.BareStatus != 0)
        {
            http.Response.StatusCode = admission.BareStatus;
            http.Response.Headers.Connection = "close";
            return;
        }
        if (admission.Admitted)
            http.Features.Get<ConnectionMark>()?.Admitted();
        http.Response.ContentType = AnswerType;
        await _dispatcher.AnswerAsync(admission, _routes, async (reply, token) =>
        {
            await http.Response.Body.WriteAsync(reply, token);
            await http.Response.Body.WriteAsync("\n"u8.ToArray(), token);
            await http.Response.Body.FlushAsync(token);
        }, cancellation);
    }

    /// <summary>The whole body, or null if it is longer than an envelope may be. Memory grows with what has arrived, not with what is promised.</summary>
    private static async Task<ReadOnlyMemory<byte>?> ReadBodyAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength > Gate.MaxBytes)
            return null;
        byte[] buffer = new byte[4096];
        int length = 0;
        while (true)
        {
            int read = await request.Body.ReadAsync(buffer.AsMemory(length), cancellation);
            if (read == 0)
                return buffer.AsMemory(0, length);
            length += read;
            if (length > Gate.MaxBytes)
                return null;
            if (length == buffer.Length)
                Array.Resize(ref buffer, Math.Min(buffer.Length * 2, Gate.MaxBytes + 1));
        }
    }
}
