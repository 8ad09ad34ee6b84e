using System.Net;
using System.Net.Http.Headers;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Flist;

namespace ZeroOS.Oci.Registry;

/// <summary>
/// Pulls from and pushes to one OCI registry (distribution-spec 1.1). Everything it returns by digest is verified; every answer is bounded in size and
/// time; every failure is a <see cref="RegistryException"/> that names the registry and says why. Several calls may run at once.
/// </summary>
public sealed class RegistryClient : IDisposable
{
    private const string Accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, "
        + "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json";

    private readonly RegistryTransport _transport;

    /// <summary>A client of the registry at <paramref name="baseUrl"/>; http:// only if <paramref name="plainHttp"/>.</summary>
    /// <exception cref="RegistryException">The URL cannot be a registry's.</exception>
    public RegistryClient(Uri baseUrl, bool plainHttp, RegistryCredentials? credentials = null) =>
        _transport = new RegistryTransport(baseUrl, plainHttp, credentials);

    /// <summary>Fetches a manifest by tag or digest, at most <paramref name="maxBytes"/>. By digest, the bytes are verified.</summary>
    public async Task<RegistryManifest> GetManifestAsync(string repository, string reference, int maxBytes = FlistFormat.MaxManifestBytes,
        CancellationToken cancellation = default)
    {
        Check(repository, reference);
        string what = $"the manifest {repository}:{reference}";
        using HttpResponseMessage answer = await _transport.SendAsync(() =>
            ManifestRequest(HttpMethod.Get, repository, reference), Pull(repository), what, cancellation).ConfigureAwait(false);
        byte[] bytes = await BoundedBody.ReadAsync(answer, maxBytes, _transport.Name, what, cancellation).ConfigureAwait(false);
        Sha256Digest digest = Sha256Digest.Of(bytes);
        if (Sha256Digest.TryParse(reference, out Sha256Digest wanted) && wanted != digest)
            throw new RegistryException(RegistryFailure.Invalid, $"{_transport.Name} sent {digest} for {what}");
        return new RegistryManifest(bytes, digest, answer.Content.Headers.ContentType?.MediaType ?? "");
    }

    /// <summary>Fetches a whole blob of at most <paramref name="maxBytes"/> and verifies it.</summary>
    public async Task<byte[]> GetBlobAsync(string repository, Sha256Digest digest, int maxBytes, CancellationToken cancellation = default)
    {
        Check(repository);
        string what = $"blob {digest} of {repository}";
        using HttpResponseMessage answer = await _transport.SendAsync(() =>
            new HttpRequestMessage(HttpMethod.Get, BlobUrl(repository, digest)), Pull(repository), what, cancellation).ConfigureAwait(false);
        byte[] bytes = await BoundedBody.ReadAsync(answer, maxBytes, _transport.Name, what, cancellation).ConfigureAwait(false);
        return Sha256Digest.Of(bytes) == digest ? bytes
            : throw new RegistryException(RegistryFailure.Invalid, $"{_transport.Name} sent {Sha256Digest.Of(bytes)} for {what}");
    }

    /// <summary>
    /// Fetches <paramref name="length"/> bytes of a blob from <paramref name="offset"/> and hands them to <paramref name="sink"/> in order as they come.
    /// They are not verified: a range has no digest here.
    /// </summary>
    public async Task ReadBlobAsync(string repository, Sha256Digest digest, long offset, long length, Action<ReadOnlyMemory<byte>> sink,
        CancellationToken cancellation = default)
    {
        Check(repository);
        string what = $"bytes {offset} to {offset + length} of blob {digest}";
        HttpRequestMessage Make()
        {
            HttpRequestMessage request = new(HttpMethod.Get, BlobUrl(repository, digest));
            request.Headers.Range = new RangeHeaderValue(offset, offset + length - 1);
            return request;
        }

        using HttpResponseMessage answer = await _transport.SendAsync(Make, Pull(repository), what, cancellation).ConfigureAwait(false);
        long skip = FirstByte(answer, offset, length, what) is var first ? offset - first : 0;
        using Stream body = await BoundedBody.OpenAsync(answer, _transport.Name, what, cancellation).ConfigureAwait(false);
        byte[] buffer = new byte[64 * 1024];
        while (length > 0)
        {
            int n = await BoundedBody.ReadSomeAsync(body, buffer, _transport.Name, what, cancellation).ConfigureAwait(false);
            if (n == 0)
                throw new RegistryException(RegistryFailure.Unreachable, $"{_transport.Name} broke off in the middle of {what}");
            int dropped = (int)Math.Min(skip, n), taken = (int)Math.Min(length, n - dropped);
            if (taken > 0)
                sink(buffer.AsMemory(dropped, taken));
            skip -= dropped;
            length -= taken;
        }
    }

    /// <summary>Whether the registry has a manifest.</summary>
    public Task<bool> HasManifestAsync(string repository, string reference, CancellationToken cancellation = default)
    {
        Check(repository, reference);
        return HasAsync(() => ManifestRequest(HttpMethod.Head, repository, reference), Pull(repository),
            $"the manifest {repository}:{reference}", cancellation);
    }

    /// <summary>Whether the registry has a blob in this repository.</summary>
    public Task<bool> HasBlobAsync(string repository, Sha256Digest digest, CancellationToken cancellation = default)
    {
        Check(repository);
        return HasAsync(() => new HttpRequestMessage(HttpMethod.Head, BlobUrl(repository, digest)), Push(repository), $"blob {digest}", cancellation);
    }

    /// <summary>
    /// Pushes a blob in one piece unless the registry has it; <paramref name="open"/> opens its <paramref name="length"/> bytes, once or again after a
    /// challenge. False: it was there already.
    /// </summary>
    public async Task<bool> PushBlobAsync(string repository, Sha256Digest digest, long length, Func<Stream> open, CancellationToken cancellation = default)
    {
        if (await HasBlobAsync(repository, digest, cancellation).ConfigureAwait(false))
            return false;
        string what = $"the upload of blob {digest} to {repository}";
        Uri upload;
        using (HttpResponseMessage begun = await _transport.SendAsync(() =>
            new HttpRequestMessage(HttpMethod.Post, _transport.Url($"{repository}/blobs/uploads/")),
            Push(repository), what, cancellation).ConfigureAwait(false))
        {
            upload = _transport.Location(begun, what);
        }
        // The location may hold a state in its query, which must come back as it was.
        Uri target = new(upload.AbsoluteUri + (upload.Query.Length > 0 ? "&" : "?") + "digest=" + Uri.EscapeDataString(digest.ToString()));
        HttpRequestMessage Make()
        {
            StreamContent content = new(open());
            content.Headers.ContentLength = length;
            content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            return new HttpRequestMessage(HttpMethod.Put, target) { Content = content };
        }

        using HttpResponseMessage done = await _transport.SendAsync(Make, Push(repository), what, cancellation).ConfigureAwait(false);
        return true;
    }

    /// <summary>Pushes a manifest under a tag or its own digest and returns its digest; the blobs it names must be there.</summary>
    public async Task<Sha256Digest> PushManifestAsync(string repository, string reference, byte[] manifest, string mediaType,
        CancellationToken cancellation = default)
    {
        Check(repository, reference);
        HttpRequestMessage Make()
        {
            ByteArrayContent content = new(manifest);
            content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
            return new HttpRequestMessage(HttpMethod.Put, _transport.Url($"{repository}/manifests/{reference}")) { Content = content };
        }

        Sha256Digest digest = Sha256Digest.Of(manifest);
        using HttpResponseMessage done = await _transport.SendAsync(Make, Push(repository), $"the manifest {repository}:{reference}",
            cancellation).ConfigureAwait(false);
        if (done.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? said) && said.First() != digest.ToString())
            throw new RegistryException(RegistryFailure.Invalid,
                $"{_transport.Name} stored the manifest {repository}:{reference} as {said.First()}, not {digest}");
        return digest;
    }

    /// <inheritdoc/>
    public void Dispose() => _transport.Dispose();

    private static string Pull(string repository) => $"repository:{repository}:pull";

    private static string Push(string repository) => $"repository:{repository}:pull,push";

    private static void Check(string repository, string reference = "latest")
    {
        if (!RegistryReference.IsRepository(repository))
            throw new RegistryException(RegistryFailure.Invalid, $"\"{repository}\" is not a repository name");
        if (!RegistryReference.IsTag(reference) && !Sha256Digest.TryParse(reference, out _))
            throw new RegistryException(RegistryFailure.Invalid, $"\"{reference}\" is neither a tag nor a digest");
    }

    private long FirstByte(HttpResponseMessage answer, long offset, long length, string what)
    {
        switch (answer.StatusCode)
        {
            // The registry does not do ranges: what comes before is read and dropped.
            case HttpStatusCode.OK:
                return 0;
            case HttpStatusCode.PartialContent when answer.Content.Headers.ContentRange is { From: { } from } range
                && range.To == offset + length - 1 && from == offset:
                return from;
            case HttpStatusCode.RequestedRangeNotSatisfiable:
                throw new RegistryException(RegistryFailure.Invalid, $"{_transport.Name} has a shorter blob than {what}");
            default:
                throw new RegistryException(RegistryFailure.Invalid, $"{_transport.Name} sent another range than {what}");
        }
    }

    private async Task<bool> HasAsync(Func<HttpRequestMessage> make, string scope, string what, CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage answer = await _transport.SendAsync(make, scope, what, cancellation).ConfigureAwait(false);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (RegistryException e) when (e.Failure == RegistryFailure.NotFound)
        {
            return false;
        }
    }

    private Uri BlobUrl(string repository, Sha256Digest digest) => _transport.Url($"{repository}/blobs/{digest}");

    private HttpRequestMessage ManifestRequest(HttpMethod method, string repository, string reference)
    {
        HttpRequestMessage request = new(method, _transport.Url($"{repository}/manifests/{reference}"));
        request.Headers.TryAddWithoutValidation("Accept", Accept);
        return request;
    }
}
