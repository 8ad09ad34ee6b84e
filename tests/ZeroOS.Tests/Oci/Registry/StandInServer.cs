using System.Collections.Concurrent;
using System.Net;

namespace ZeroOS.Tests.Oci.Registry;

/// <summary>A small HTTP server on loopback, for what Debian's registry does not do: token servers, redirects to other hosts, broken answers.</summary>
internal sealed class StandInServer : IDisposable
{
    private readonly HeldPort _port = new();
    private readonly HttpListener _listener = new();
    private readonly Func<HttpListenerRequest, HttpListenerResponse, Task> _answer;

    public StandInServer(Func<HttpListenerRequest, HttpListenerResponse, Task> answer)
    {
        _answer = answer;
        Url = new Uri($"http://127.0.0.1:{_port.Number}/");
        _listener.Prefixes.Add(Url.AbsoluteUri);
        _listener.Start();
        _ = ServeAsync();
    }

    public Uri Url { get; }

    /// <summary>"METHOD path authorization" of each request.</summary>
    public ConcurrentQueue<string> Seen { get; } = new();

    public void Dispose()
    {
        _listener.Close();
        _port.Dispose();
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
            Seen.Enqueue($"{context.Request.HttpMethod} {context.Request.RawUrl} {context.Request.Headers["Authorization"]}".TrimEnd());
            _ = AnswerAsync(context);
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        try
        {
            await _answer(context.Request, context.Response);
            context.Response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or InvalidOperationException or IOException)
        {
            context.Response.Abort();
        }
    }
}
