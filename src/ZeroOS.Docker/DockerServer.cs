using System.Net.Sockets;
using System.Text.Json.Nodes;

using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Nouns;

namespace ZeroOS.Docker;

/// <summary>
/// Docker's API on a unix socket, over one node. Kestrel reads requests; those that take their connection over are <see cref="HijackDoor"/>'s. Every other
/// answer closes its connection, so that such a request is always the first of one.
/// </summary>
public sealed class DockerServer : IAsyncDisposable, IHttpApplication<IFeatureCollection>
{
    /// <summary>Connections at once.</summary>
    public const int MaxConnections = 512;

    private readonly DockerApi _api;
    private readonly KestrelServer _server;
    private readonly Socket _listener;
    private readonly string _path;
    private readonly int _user;
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Listens at <paramref name="path"/>, for the user of this process alone; nothing is served before <see cref="RunAsync"/>.</summary>
    /// <param name="path">Of the socket.</param>
    /// <param name="connect">Makes a client of the node; each has one caller at a time.</param>
    /// <param name="registries">Where images are.</param>
    /// <param name="nodeName">What the node is called in docker info.</param>
    /// <param name="complain">Told what does not work and no client hears, as sentences that may be foreign; by several threads at once.</param>
    /// <exception cref="IOException">Somebody listens there already.</exception>
    public DockerServer(string path, Func<NodeClient> connect, Registries registries, string nodeName, Action<string> complain)
    {
        _api = new DockerApi(connect, registries, nodeName, complain);
        (_path, _listener) = (path, UnixListener.Open(path));
        _user = UnixListener.User(_listener);
        HijackDoor door = new((method, request) =>
            Endpoints.Find(method, request) is { Endpoint.Hijack: { } hijack } found ? (call => hijack(_api, call), found.Values) : null,
            _stopping.Token);
        KestrelServerOptions options = new() { AddServerHeader = false };
        options.Limits.MaxConcurrentConnections = MaxConnections;
        options.Limits.MaxRequestBodySize = null;       // copies are as long as they are; bodies of JSON have a limit of their own
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.ListenHandle((ulong)_listener.Handle, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection => IsOwn(connection) ? door.ServeAsync(connection, next) : Task.CompletedTask);
        });
        _server = new KestrelServer(Options.Create(options),
            new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance), NullLoggerFactory.Instance);
    }

    /// <summary>Serves until it is cancelled, or the node is gone for minutes; <paramref name="ready"/> is called when it does.</summary>
    /// <exception cref="ClientException">The node did not come back.</exception>
    public async Task RunAsync(Action ready, CancellationToken cancellation)
    {
        using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task following = _api.Mirror.FollowAsync(ends.Token), removing = _api.Removal.RunAsync(ends.Token), listening = _api.Ports.RunAsync(ends.Token);
        await _server.StartAsync(this, cancellation);
        ready();
        try
        {
            await await Task.WhenAny(following, removing, listening);
        }
        finally
        {
            await ends.CancelAsync();
            await Task.WhenAll(following, removing, listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Stops listening, and ends what is open.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        using CancellationTokenSource now = new(TimeSpan.FromSeconds(1));
        await _server.StopAsync(now.Token);
        _server.Dispose();
        _listener.Dispose();
        _stopping.Dispose();
        File.Delete(_path);
    }

    IFeatureCollection IHttpApplication<IFeatureCollection>.CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    void IHttpApplication<IFeatureCollection>.DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    async Task IHttpApplication<IFeatureCollection>.ProcessRequestAsync(IFeatureCollection context)
    {
        DefaultHttpContext http = new(context);
        foreach ((string name, string value) in CommonHeaders.All)
            http.Response.Headers[name] = value;
        http.Response.Headers.Connection = "close";
        DockerCall? call = null;
        try
        {
            DockerPath path = DockerPath.Parse(http.Request.Path.Value ?? "/");
            if (Endpoints.Find(http.Request.Method, path) is not var (endpoint, values))
                throw DockerFault.Missing($"page not found: zos docker knows no {http.Request.Method} {path.Path}");
            call = new DockerCall(http, path, values);
            await (endpoint.Serve is { } serve ? serve(_api, call)
                : throw new DockerFault(endpoint.Refusal, $"{http.Request.Method} {path.Path} is not served by zos docker: {endpoint.Says}"));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            http.Abort();       // there is nobody to tell
        }
        catch (Exception) when (http.Response.HasStarted)
        {
            http.Abort();       // a body that breaks off is no whole one
        }
        catch (Exception e)
        {
            // The boundary of one client: what went wrong is its answer.
            DockerFault fault = Faults.Explain(e);
            call ??= new DockerCall(http, new DockerPath(DockerPath.Newest, ""), []);
            await call.AnswerAsync(new JsonObject { ["message"] = fault.Message }, fault.Status);
        }
    }

    private bool IsOwn(ConnectionContext connection) =>
        connection.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket && UnixListener.User(socket) is int user && (user == _user || user == 0);
}
