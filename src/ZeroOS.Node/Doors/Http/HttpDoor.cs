using System.Net;

using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// The direct transport on one TCP port: <c>POST /bus</c> by Kestrel, <c>POST /session</c> by <see cref="SessionDoor"/>, and nothing else. It sheds load and
/// carries envelopes; limits are docs/bus.md's.
/// </summary>
internal sealed class HttpDoor : IAsyncDisposable, IHttpApplication<IFeatureCollection>
{
    private readonly EnvelopeRelay _relay;
    private readonly KestrelServer _server;
    private readonly ConnectionTable _connections;
    private readonly BodyBudget _bodies = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>
    /// Prepares to listen: on every address at <paramref name="port"/>, or on the listening socket that <paramref name="listener"/> is the descriptor of.
    /// </summary>
    public HttpDoor(OuterGate gate, INodeLink link, int port = 0, ulong? listener = null, ConnectionLimits? limits = null)
    {
        limits ??= new ConnectionLimits();
        _connections = new ConnectionTable(limits, TimeProvider.System, new Random());
        AcceptLimits accepts = new(TimeProvider.System, limits.NewPerSecond);
        _relay = new EnvelopeRelay(gate, link, _connections, accepts);
        KestrelServerOptions options = new() { AddServerHeader = false, AllowSynchronousIO = false };
        options.Limits.MaxRequestBodySize = Gate.MaxBytes;
        options.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
        options.Limits.MaxRequestLineSize = 4 * 1024;
        options.Limits.MaxRequestHeaderCount = 32;
        options.Limits.RequestHeadersTimeout = limits.UnprovenLife;
        options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
        options.Limits.MinRequestBodyDataRate = null;   // an average lets a silent one wait; every body has a deadline
        options.Limits.MaxRequestBufferSize = 16 * 1024;
        options.Limits.MaxResponseBufferSize = 32 * 1024;
        if (listener is ulong descriptor)
            options.ListenHandle(descriptor, Serve);
        else
            options.ListenAnyIP(port, Serve);
        SessionDoor sessions = new(_relay, _connections, _bodies, _stopping.Token);
        NullLoggerFactory quiet = NullLoggerFactory.Instance;    // nothing a stranger does may write a line
        _server = new KestrelServer(Options.Create(options), new LimitedTransport(accepts, _connections, sessions, backlog: 4096), quiet);
    }

    /// <summary>The port it listens on: the system's choice if 0 was asked for.</summary>
    public int Port => new Uri(_server.Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    /// <summary>Connections now: unproven and proven.</summary>
    public (int Unproven, int Proven) Connections => _connections.Count;

    /// <summary>Listens.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public Task StartAsync(CancellationToken cancellation = default) => _server.StartAsync(this, cancellation);

    /// <summary>Stops listening, lets answers end and then ends the streams.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping.CancelAfter(TimeSpan.FromSeconds(1));
        await _server.StopAsync(CancellationToken.None);
        _server.Dispose();
        _connections.Dispose();
        _stopping.Dispose();
    }

    IFeatureCollection IHttpApplication<IFeatureCollection>.CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    void IHttpApplication<IFeatureCollection>.DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    async Task IHttpApplication<IFeatureCollection>.ProcessRequestAsync(IFeatureCollection context)
    {
        DefaultHttpContext http = new(context);
        if (http.Request.Path != "/bus" || !HttpMethods.IsPost(http.Request.Method) || context.Get<ConnectionPlace>() is not ConnectionPlace place)
        {
            HttpAnswer.Refuse(http.Response, StatusCodes.Status404NotFound);
            return;
        }
        using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _stopping.Token);
        try
        {
            using RequestBody body = await RequestBody.ReadAsync(BodySource.Of(http.Request), _bodies, place, ends.Token);
            if (body.Status == 0)
                await AnswerAsync(http.Response, place, body, ends.Token);
            else
                HttpAnswer.Refuse(http.Response, body.Status);
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            HttpAnswer.Refuse(http.Response, e.StatusCode);
        }
        catch (NodeLostException) when (!http.Response.HasStarted)
        {
            HttpAnswer.Refuse(http.Response, StatusCodes.Status503ServiceUnavailable);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            http.Abort();       // the asker has gone or dribbles, or we are stopping: there is nobody to tell
        }
    }

    private void Serve(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => connection => _connections.ServeAsync(connection, next));
    }

    private async Task AnswerAsync(HttpResponse response, ConnectionPlace place, RequestBody body, CancellationToken cancellation)
    {
        int refusal = await _relay.AskAsync(place, body, lasts: true, settle => new HttpAnswer(response, settle), cancellation);
        if (refusal != 0)
            HttpAnswer.Refuse(response, refusal);
    }
}
