using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Tests.Formats.Tar;

namespace ZeroOS.Tests.Docker;

/// <summary>Files of containers: what docker cp asks, against a machine that the test plays.</summary>
public sealed class DockerArchiveTests : IAsyncLifetime
{
    private DockerBench _docker = null!;

    public async Task InitializeAsync() => _docker = await DockerBench.StartAsync();

    public async Task DisposeAsync() => await _docker.DisposeAsync();

    [Theory]
    [InlineData("/etc/", "etc", 0x800001ED, "")]
    [InlineData("srv/link", "link", 0x080001FF, "../zoë")]
    [InlineData("/bin/su", "su", 0x008001ED, "")]
    public async Task Head_says_what_is_at_the_path_in_gos_words(string path, string name, long mode, string link)
    {
        await StartAsync();
        TarBytes tar = new();
        _docker.Send((name == "etc" ? tar.Directory("etc/").File("etc/motd", "x") : name == "su" ? tar.File("su", "elf", "0004755")
            : tar.Add("link", '2', [], Encoding.Latin1.GetString(Encoding.UTF8.GetBytes("../zoë")), "0000777")).ToArray());
        using HttpResponseMessage answer = await AskAsync(HttpMethod.Head, path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        JsonNode stat = StatOf(answer);
        Assert.Equal((name, mode, link), (stat["name"]!.ToString(), stat["mode"]!.GetValue<long>(), stat["linkTarget"]!.ToString()));
        Assert.Equal((path[0] == '/' ? path : "/" + path, SessionKinds.CopyOut), (_docker.Begun!.Path, _docker.Node.Opened!.Kind));
    }

    [Fact]
    public async Task Archive_goes_out_byte_for_byte_behind_what_it_is()
    {
        await StartAsync();
        byte[] big = new byte[3_000_000];
        Random.Shared.NextBytes(big);
        byte[] archive = new TarBytes().Pax("path", new string('n', 200)).Add("short", '0', big).ToArray();
        _docker.Send(archive);
        using HttpResponseMessage answer = await AskAsync(HttpMethod.Get, "/data/big");
        Assert.Equal(("application/x-tar", 3_000_000), (answer.Content.Headers.ContentType!.ToString(), StatOf(answer)["size"]!.GetValue<long>()));
        Assert.Equal(archive, await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Archive_that_breaks_off_is_no_whole_answer_and_what_is_not_there_404()
    {
        await StartAsync();
        _docker.Node.Program = async session =>
        {
            await session.BegunAsync();
            await session.WriteAsync(1, new TarBytes().File("f", new string('x', 9000)).ToArray().AsMemory(0, 4000));
            await session.CloseAsync(SessionCloseReason.Refused, "it cannot be read");
        };
        await Assert.ThrowsAnyAsync<HttpRequestException>(async () =>
        {
            using HttpResponseMessage broken = await AskAsync(HttpMethod.Get, "/f");
            await broken.Content.ReadAsByteArrayAsync();
        });
        foreach ((SessionCloseReason reason, HttpStatusCode status, string says) in new[]
        {
            (SessionCloseReason.NotFound, HttpStatusCode.NotFound, "Could not find the file /f in container"),
            (SessionCloseReason.Refused, HttpStatusCode.Conflict, "the machine says so"),
        })
        {
            _docker.Node.Program = async session =>
            {
                await session.BegunAsync();
                await session.CloseAsync(reason, "the machine says so");
            };
            using HttpResponseMessage answer = await AskAsync(HttpMethod.Get, "/f");
            Assert.Equal(status, answer.StatusCode);
            Assert.Contains(says, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Machine_that_sends_heads_without_end_is_an_error()
    {
        await StartAsync();
        TarBytes heads = new();
        for (int i = 0; i < 4; i++)
            heads.Pax("comment", new string('x', 800_000));
        _docker.Send(heads.File("f", "x").ToArray());
        using HttpResponseMessage answer = await AskAsync(HttpMethod.Get, "/f");
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Contains("is no archive", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Archive_goes_in_into_a_directory_compressed_or_not(bool compressed)
    {
        await StartAsync();
        byte[] archive = new TarBytes().File("f", new string('x', 500_000)).ToArray();
        using MemoryStream sent = new();
        using (Stream to = compressed ? new GZipStream(sent, CompressionLevel.Fastest, leaveOpen: true) : sent)
            to.Write(archive);
        _docker.Take(new CopyTarget { IsThere = true, IsDirectory = true });
        using HttpResponseMessage answer = await AskAsync(HttpMethod.Put, "/srv", sent.ToArray());
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(archive, _docker.Came);
        Assert.Equal((new CopyBegin { Path = "/srv", KeepOwners = true }, SessionKinds.CopyIn), (_docker.Begun, _docker.Node.Opened!.Kind));
    }

    [Fact]
    public async Task Place_that_is_no_directory_and_a_container_that_does_not_run_are_refused()
    {
        await StartAsync();
        _docker.Take(new CopyTarget { IsThere = true, Name = "f" });
        using HttpResponseMessage file = await AskAsync(HttpMethod.Put, "/f", [0, 0]);
        Assert.Equal(HttpStatusCode.BadRequest, file.StatusCode);
        _docker.Take(new CopyTarget { IsThere = true, IsDirectory = true });
        using HttpResponseMessage broken = await AskAsync(HttpMethod.Put, "/", [0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        Assert.Equal(HttpStatusCode.BadRequest, broken.StatusCode);
        _docker.Take(new CopyTarget());
        using HttpResponseMessage nothing = await AskAsync(HttpMethod.Put, "/nothing", [0, 0]);
        Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);
        await _docker.AskAsync("POST", "/containers/web/stop");
        using HttpResponseMessage stopped = await AskAsync(HttpMethod.Get, "/etc");
        Assert.Equal(HttpStatusCode.Conflict, stopped.StatusCode);
        Assert.Contains("is not running", await stopped.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private async Task StartAsync()
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        string id = await _docker.CreateAsync("web");
        Assert.Equal(204, (await _docker.AskAsync("POST", $"/containers/{id}/start")).Status);
    }

    private async Task<HttpResponseMessage> AskAsync(HttpMethod method, string path, byte[]? body = null)
    {
        using ByteArrayContent? content = body is null ? null : new(body);
        return await _docker.SendAsync(method, $"/v1.47/containers/web/archive?path={Uri.EscapeDataString(path)}", content);
    }

    private static JsonNode StatOf(HttpResponseMessage answer) =>
        JsonNode.Parse(Convert.FromBase64String(answer.Headers.GetValues("X-Docker-Container-Path-Stat").Single()))!;
}
