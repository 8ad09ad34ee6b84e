using System.Net;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Flist;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Tests.Oci.Registry;

public sealed class RegistryClientTests
{
    private static readonly byte[] s_blob = [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * 7))];
    private static readonly Sha256Digest s_digest = Sha256Digest.Of(s_blob);
    private static readonly RegistryCredentials s_credentials = new() { Username = "u", Password = "p" };

    [Fact]
    public async Task Token_is_fetched_with_the_credentials_used_and_remembered()
    {
        StandInServer? server = null;
        server = new StandInServer(async (request, response) =>
        {
            if (request.Url!.AbsolutePath == "/token")
                await response.OutputStream.WriteAsync("""{"token":"abc","expires_in":300}"""u8.ToArray());
            else if (request.Headers["Authorization"] == "Bearer abc")
                await response.OutputStream.WriteAsync(s_blob);
            else
                Challenge(response, $"Bearer realm=\"{server!.Url}token\",service=\"a, b\",scope=\"repository:x:pull\"");
        });
        using (server)
        {
            using RegistryClient client = new(server.Url, plainHttp: true, s_credentials);
            Assert.Equal(s_blob, await client.GetBlobAsync("x", s_digest, 5000));
            Assert.Equal(s_blob, await client.GetBlobAsync("x", s_digest, 5000));
            Assert.Equal(
                [$"GET /v2/x/blobs/{s_digest}", "GET /token?scope=repository%3Ax%3Apull&service=a%2C%20b Basic dTpw", $"GET /v2/x/blobs/{s_digest} Bearer abc",
                    $"GET /v2/x/blobs/{s_digest} Bearer abc"],
                server.Seen);
        }
    }

    [Fact]
    public async Task Redirect_to_another_host_does_not_take_the_token_along()
    {
        using StandInServer storage = new(async (_, response) => await response.OutputStream.WriteAsync(s_blob));
        using StandInServer server = new((request, response) =>
        {
            if (request.Headers["Authorization"] is null)
                Challenge(response, "Basic realm=\"x\"");
            else
                response.Redirect($"{storage.Url}bucket?sig=1");
            return Task.CompletedTask;
        });
        using RegistryClient client = new(server.Url, plainHttp: true, s_credentials);
        Assert.Equal(s_blob, await client.GetBlobAsync("x", s_digest, 5000));
        Assert.Equal(["GET /bucket?sig=1"], storage.Seen);
        Assert.Equal("GET /v2/x/blobs/" + s_digest + " Basic dTpw", server.Seen.Last());
    }

    [Fact]
    public async Task Redirects_that_never_end_are_given_up()
    {
        using StandInServer server = new((request, response) => Task.Run(() => response.Redirect(request.RawUrl!)));
        using RegistryClient client = new(server.Url, plainHttp: true);
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => client.GetBlobAsync("x", s_digest, 5000));
        Assert.Equal(RegistryFailure.Invalid, refused.Failure);
        Assert.Equal(6, server.Seen.Count);
    }

    [Fact]
    public async Task Password_is_not_sent_to_a_plain_token_server_elsewhere()
    {
        using StandInServer server = new((_, response) => Task.Run(() => Challenge(response, "Bearer realm=\"http://localhost:9/token\"")));
        using RegistryClient client = new(server.Url, plainHttp: true, s_credentials);
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => client.GetBlobAsync("x", s_digest, 5000));
        Assert.Contains("without encryption", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blob_longer_than_allowed_is_cut_off()
    {
        using StandInServer server = new(async (_, response) =>
        {
            response.SendChunked = true;
            for (int i = 0; i < 1000; i++)
                await response.OutputStream.WriteAsync(s_blob);
        });
        using RegistryClient client = new(server.Url, plainHttp: true);
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => client.GetBlobAsync("x", s_digest, 5000));
        Assert.Contains("more than 5000 bytes", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forged_blob_and_forged_manifest_are_refused()
    {
        using StandInServer server = new(async (_, response) => await response.OutputStream.WriteAsync("{}"u8.ToArray()));
        using RegistryClient client = new(server.Url, plainHttp: true);
        Assert.Equal(RegistryFailure.Invalid, (await Assert.ThrowsAsync<RegistryException>(() => client.GetBlobAsync("x", s_digest, 5000))).Failure);
        Assert.Equal(RegistryFailure.Invalid, (await Assert.ThrowsAsync<RegistryException>(() => client.GetManifestAsync("x", s_digest.ToString()))).Failure);
        Assert.Equal("{}"u8.ToArray(), (await client.GetManifestAsync("x", "latest")).Bytes);
    }

    [Fact]
    public async Task Server_that_does_no_ranges_is_read_through()
    {
        using StandInServer server = new(async (_, response) => await response.OutputStream.WriteAsync(s_blob));
        using RegistryClient client = new(server.Url, plainHttp: true);
        MemoryStream part = new();
        await client.ReadBlobAsync("x", s_digest, 1000, 300, bytes => part.Write(bytes.Span));
        Assert.Equal(s_blob[1000..1300], part.ToArray());
    }

    [Fact]
    public async Task Wrong_range_is_refused_and_a_short_one_may_pass_later()
    {
        string range = "bytes 5-14/5000";
        using StandInServer server = new(async (_, response) =>
        {
            response.StatusCode = 206;
            response.Headers["Content-Range"] = range;
            await response.OutputStream.WriteAsync(s_blob.AsMemory(0, 5));
        });
        using RegistryClient client = new(server.Url, plainHttp: true);
        Assert.Equal(RegistryFailure.Invalid,
            (await Assert.ThrowsAsync<RegistryException>(() => client.ReadBlobAsync("x", s_digest, 4, 10, _ => { }))).Failure);
        range = "bytes 4-13/5000";
        Assert.Equal(RegistryFailure.Unreachable,
            (await Assert.ThrowsAsync<RegistryException>(() => client.ReadBlobAsync("x", s_digest, 4, 10, _ => { }))).Failure);
    }

    [Fact]
    public async Task Busy_registry_is_asked_again()
    {
        int asked = 0;
        using StandInServer server = new(async (_, response) =>
        {
            if (++asked < 3)
                response.StatusCode = (int)HttpStatusCode.TooManyRequests;
            else
                await response.OutputStream.WriteAsync(s_blob);
        });
        using RegistryClient client = new(server.Url, plainHttp: true);
        Assert.Equal(s_blob, await client.GetBlobAsync("x", s_digest, 5000));
    }

    [Fact]
    public async Task Registry_that_is_not_there_is_unreachable()
    {
        using RegistryClient client = new(new Uri("http://127.0.0.1:1"), plainHttp: true);
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => client.GetBlobAsync("x", s_digest, 5000));
        Assert.Equal(RegistryFailure.Unreachable, refused.Failure);
        Assert.Contains("127.0.0.1:1 cannot be reached", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://r.example")]
    [InlineData("ftp://r.example")]
    [InlineData("https://u:p@r.example")]
    public void Url_that_is_not_allowed_is_refused(string url) =>
        Assert.Equal(RegistryFailure.Invalid, Assert.Throws<RegistryException>(() => new RegistryClient(new Uri(url), plainHttp: false)).Failure);

    [Theory]
    [InlineData("../../x", "1")]
    [InlineData("x", "a/b")]
    [InlineData("X", "1")]
    public async Task Name_that_could_lead_elsewhere_is_refused(string repository, string reference)
    {
        using RegistryClient client = new(new Uri("https://r.example"), plainHttp: false);
        await Assert.ThrowsAsync<RegistryException>(() => client.GetManifestAsync(repository, reference));
    }

    private static void Challenge(HttpListenerResponse response, string header)
    {
        response.StatusCode = 401;
        response.Headers["WWW-Authenticate"] = header;
    }
}
