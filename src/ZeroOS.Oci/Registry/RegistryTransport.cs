using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux;

namespace ZeroOS.Oci.Registry;

/// <summary>
/// HTTP as registries speak it: challenges answered, redirects followed without taking the token along, time-outs, refusals as sentences. Tokens and
/// credentials go to the registry's own scheme, host and port; the password also to the token server the registry names, as the protocol wants.
/// </summary>
internal sealed class RegistryTransport : IDisposable
{
    private const int MaxRedirects = 5, MaxTries = 3, MaxAnswer = 64 * 1024, MaxErrorText = 200;
    private static readonly TimeSpan s_headersTimeout = TimeSpan.FromSeconds(30), s_longestWait = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly Uri _base;
    private readonly bool _plainHttp;
    private readonly RegistryCredentials? _credentials;
    private readonly Dictionary<string, (AuthenticationHeaderValue Header, DateTime Expires)> _authorizations = [];
    private readonly Lock _gate = new();

    public RegistryTransport(Uri baseUrl, bool plainHttp, RegistryCredentials? credentials)
    {
        if (!baseUrl.IsAbsoluteUri || !MayUse(baseUrl, plainHttp) || baseUrl.UserInfo.Length > 0)
        {
            throw new RegistryException(RegistryFailure.Invalid,
                $"{baseUrl} cannot be a registry: it must be an https:// URL, or http:// where plain HTTP is allowed, without a user name in it");
        }
        (_base, _plainHttp, _credentials) = (baseUrl, plainHttp, credentials);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            ConnectCallback = ConnectAsync,
            MaxConnectionsPerServer = 8,
            MaxResponseHeadersLength = 64,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("zeroos");
    }

    /// <summary>The registry, for messages.</summary>
    public string Name => _base.Authority;

    /// <summary>A URL below the registry's /v2/.</summary>
    public Uri Url(string path) => new(_base, _base.AbsolutePath.TrimEnd('/') + "/v2/" + path);

    /// <summary>Where an answer's Location header leads.</summary>
    public Uri Location(HttpResponseMessage answer, string what)
    {
        Uri? location = answer.Headers.Location;
        if (location is null)
            throw new RegistryException(RegistryFailure.Invalid, $"{Name} answered {what} without saying where to go on");
        Uri target = location.IsAbsoluteUri ? location : new Uri(answer.RequestMessage?.RequestUri ?? _base, location);
        return MayUse(target, _plainHttp) ? target
            : throw new RegistryException(RegistryFailure.Invalid, $"{Name} leads to {target.Scheme}://{target.Authority}, which is not encrypted");
    }

    /// <summary>
    /// Sends what <paramref name="make"/> makes (a new request each time) until there is an answer that is neither a challenge nor a redirect, and
    /// returns it unless it is a refusal. <paramref name="scope"/> is what a token is asked for: "repository:name:pull".
    /// </summary>
    public async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> make, string scope, string what, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            HttpResponseMessage answer = await SendAuthorizedAsync(make, scope, what, cancellation).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
                return answer;
            using (answer)
            {
                bool mayPass = answer.StatusCode == HttpStatusCode.TooManyRequests || (int)answer.StatusCode >= 500;
                if (!mayPass || attempt == MaxTries)
                    throw await RefusalAsync(answer, what, cancellation).ConfigureAwait(false);
                TimeSpan wait = answer.Headers.RetryAfter?.Delta ?? TimeSpan.FromMilliseconds(250 * attempt);
                await Task.Delay(wait < s_longestWait ? wait : s_longestWait, cancellation).ConfigureAwait(false);
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            TcpKeepAlive.Usual.Set(socket);
            await socket.ConnectAsync(context.DnsEndPoint, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool MayUse(Uri url, bool plainHttp) => url.Scheme == Uri.UriSchemeHttps || (plainHttp && url.Scheme == Uri.UriSchemeHttp);

    private bool IsRegistry(Uri url) => url.Scheme == _base.Scheme && url.Authority == _base.Authority;

    private async Task<HttpResponseMessage> SendAuthorizedAsync(Func<HttpRequestMessage> make, string scope, string what, CancellationToken cancellation)
    {
        for (bool answered = false; ; answered = true)
        {
            HttpResponseMessage answer = await SendFollowingAsync(make, scope, what, cancellation).ConfigureAwait(false);
            if (answer.StatusCode != HttpStatusCode.Unauthorized || answered || !IsRegistry(answer.RequestMessage!.RequestUri!))
                return answer;
            using (answer)
            {
                if (!await TryAuthorizeAsync(answer, scope, cancellation).ConfigureAwait(false))
                    throw await RefusalAsync(answer, what, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task<HttpResponseMessage> SendFollowingAsync(Func<HttpRequestMessage> make, string scope, string what, CancellationToken cancellation)
    {
        Uri? redirected = null;
        for (int hop = 0; ; hop++)
        {
            using HttpRequestMessage request = make();
            request.RequestUri = redirected ?? request.RequestUri!;
            if (IsRegistry(request.RequestUri))
                request.Headers.Authorization = Authorization(scope);
            HttpResponseMessage answer = await SendOnceAsync(request, what, cancellation).ConfigureAwait(false);
            bool follows = (int)answer.StatusCode is 301 or 302 or 303 or 307 or 308 && (request.Method == HttpMethod.Get || request.Method == HttpMethod.Head);
            if (!follows)
                return answer;
            using (answer)
                redirected = Location(answer, what);
            if (hop == MaxRedirects)
                throw new RegistryException(RegistryFailure.Invalid, $"{Name} redirected {what} more than {MaxRedirects} times");
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, string what, CancellationToken cancellation)
    {
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // An upload answers only after its body was sent; its own stalls are found by TCP, and a registry that is gone when it should answer by TcpKeepAlive.
        if (request.Content is null)
            timeout.CancelAfter(s_headersTimeout);
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw new RegistryException(RegistryFailure.Unreachable, $"{request.RequestUri!.Authority} cannot be reached for {what}: {Root(e)}", e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new RegistryException(RegistryFailure.Unreachable, $"{request.RequestUri!.Authority} did not answer {what} in time", e);
        }
    }

    private AuthenticationHeaderValue? Authorization(string scope)
    {
        lock (_gate)
            return _authorizations.TryGetValue(scope, out (AuthenticationHeaderValue Header, DateTime Expires) known) && known.Expires > DateTime.UtcNow
                ? known.Header
                : null;
    }

    private async Task<bool> TryAuthorizeAsync(HttpResponseMessage answer, string scope, CancellationToken cancellation)
    {
        List<AuthChallenge> challenges = [];
        if (answer.Headers.TryGetValues("WWW-Authenticate", out IEnumerable<string>? values))
        {
            foreach (string value in values)
                challenges.AddRange(AuthChallenge.Parse(value));
        }
        foreach (AuthChallenge challenge in challenges)
        {
            if (challenge.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            {
                Remember(scope, await TokenAsync(challenge, scope, cancellation).ConfigureAwait(false));
                return true;
            }
            if (challenge.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) && _credentials is not null)
            {
                Remember(scope, (BasicHeader(_credentials), DateTime.MaxValue));
                return true;
            }
        }
        return false;
    }

    private async Task<(AuthenticationHeaderValue Header, DateTime Expires)> TokenAsync(AuthChallenge challenge, string scope, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(challenge["realm"], UriKind.Absolute, out Uri? realm) || !MayUse(realm, _plainHttp))
            throw new RegistryException(RegistryFailure.Invalid, $"{Name} names a token server that cannot be used");
        // A plain-HTTP registry may keep its token server beside it, but must not send the password over the wire to somebody else.
        if (realm.Scheme == Uri.UriSchemeHttp && realm.Host != _base.Host)
            throw new RegistryException(RegistryFailure.Invalid, $"{Name} names a token server on another host without encryption");
        string query = $"{(realm.Query.Length > 1 ? realm.Query + "&" : "?")}scope={Uri.EscapeDataString(challenge["scope"] ?? scope)}"
            + (challenge["service"] is { } service ? $"&service={Uri.EscapeDataString(service)}" : "");
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(realm, realm.AbsolutePath + query));
        if (_credentials is not null)
            request.Headers.Authorization = BasicHeader(_credentials);
        using HttpResponseMessage answer = await SendOnceAsync(request, "a token", cancellation).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
            throw await RefusalAsync(answer, "a token", cancellation).ConfigureAwait(false);
        try
        {
            byte[] body = await BoundedBody.ReadAsync(answer, MaxAnswer, realm.Authority, "a token", cancellation).ConfigureAwait(false);
            TokenAnswer? token = JsonSerializer.Deserialize(body, RegistryJson.Default.TokenAnswer);
            string? text = token?.Token ?? token?.AccessToken;
            if (!string.IsNullOrEmpty(text) && text.All(c => c is > ' ' and <= '~'))
            {
                // A token is not used in its last seconds; 60 is the protocol's default.
                double seconds = Math.Clamp(token!.ExpiresIn ?? 60, 30, 3600) - 10;
                return (new AuthenticationHeaderValue("Bearer", text), DateTime.UtcNow.AddSeconds(seconds));
            }
        }
        catch (JsonException)
        {
        }
        throw new RegistryException(RegistryFailure.Invalid, $"the token server {realm.Authority} sent no token");
    }

    private void Remember(string scope, (AuthenticationHeaderValue Header, DateTime Expires) authorization)
    {
        lock (_gate)
            _authorizations[scope] = authorization;
    }

    private static AuthenticationHeaderValue BasicHeader(RegistryCredentials credentials) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credentials.Username}:{credentials.Password}")));

    private static async Task<RegistryException> RefusalAsync(HttpResponseMessage answer, string what, CancellationToken cancellation)
    {
        string host = answer.RequestMessage?.RequestUri?.Authority ?? "the registry";
        string detail = "";
        try
        {
            byte[] body = await BoundedBody.ReadAsync(answer, MaxAnswer, host, what, cancellation).ConfigureAwait(false);
            if (JsonSerializer.Deserialize(body, RegistryJson.Default.ErrorAnswer)?.Errors is [{ } error, ..])
                detail = $": {HostileText.Plain(error.Code, MaxErrorText)} {HostileText.Plain(error.Message, MaxErrorText)}".TrimEnd();
        }
        catch (Exception e) when (e is JsonException or RegistryException)
        {
            // The status says enough.
        }
        int status = (int)answer.StatusCode;
        RegistryFailure failure = status switch
        {
            401 or 403 => RegistryFailure.Denied,
            404 or 410 => RegistryFailure.NotFound,
            429 or >= 500 => RegistryFailure.Unreachable,
            _ => RegistryFailure.Invalid,
        };
        return new RegistryException(failure, $"{host} refused {what} with HTTP status {status.ToString(CultureInfo.InvariantCulture)}{detail}");
    }

    private static string Root(Exception e)
    {
        while (e.InnerException is not null)
            e = e.InnerException;
        return e.Message;
    }
}
