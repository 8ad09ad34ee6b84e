using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Formats.Tar;
using ZeroOS.Tests.Formats.Tar;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Docker;

/// <summary>Files that are put into containers before their first start: they become files of the machine.</summary>
public sealed class DockerStagedFilesTests : IAsyncLifetime
{
    private DockerBench _docker = null!;

    public async Task InitializeAsync() => _docker = await DockerBench.StartAsync();

    public async Task DisposeAsync() => await _docker.DisposeAsync();

    [Theory]
    [InlineData("/", false)]
    [InlineData("/etc/", true)]
    [InlineData("etc/./", false)]
    public async Task Archive_becomes_files_of_the_machine_with_mode_and_owner(string folder, bool compressed)
    {
        await _docker.CreateAsync("web");
        // As compose sends it: an absolute name. As docker cp: folders before what is in them.
        byte[] archive = new TarBytes().Directory("./").Directory("app/").Directory("app/d/").File("/app/d/conf", "a=b\n", "0004750")
            .Add("app/" + Encoding.Latin1.GetString("zoë"u8), '0', [0, 0xFF], change: h => TarBytes.Put(h, 108, "0000000\00000000")).ToArray();
        await PutAsync(folder, compressed ? Compressed(archive) : archive);
        string at = folder == "/" ? "" : "/etc";
        Assert.Equal([($"{at}/app/d/conf", "a=b\n", "4750", "1:2"), ($"{at}/app/zoë", "\0\u00FF", "0644", (string?)null)],
            Files.Select(f => (f.Path, Encoding.Latin1.GetString(Convert.FromBase64String(f.Base64!)), f.Mode!, f.User)));
        Assert.Equal(2, Stored.Version);

        // The first start has them, and after that the machine is asked.
        IReadOnlyList<MachineFile>? started = null;
        _docker.Engine.Program = data =>
        {
            started = data.Files;
            return new PlayedProgram(Code: 0);
        };
        Assert.Equal(204, (await _docker.AskAsync("POST", "/containers/web/start")).Status);
        Assert.Equal(2, started!.Count);
        await RefusedAsync("/", new TarBytes().File("f", "x"), "is not running", HttpStatusCode.Conflict);
        Assert.Equal(2, Stored.Version);
    }

    [Fact]
    public async Task Path_that_comes_again_has_the_last_content_and_an_empty_archive_changes_nothing()
    {
        await _docker.CreateAsync("web");
        await PutAsync("/", new TarBytes().File("a", "1").File("b", "1").ToArray());
        await PutAsync("/", new TarBytes().File("b", "2").File("c", "2").File("c", "3", "0000600").ToArray());
        await PutAsync("/", new TarBytes().Directory("./").ToArray());
        Assert.Equal(["/a 1 0644", "/b 2 0644", "/c 3 0600"], Files.Select(f => $"{f.Path} {Text(f)} {f.Mode}").Order(StringComparer.Ordinal));
        Assert.Equal(3, Stored.Version);
    }

    [Fact]
    public async Task Entry_that_cannot_be_a_file_of_a_machine_is_refused_by_its_name()
    {
        await _docker.CreateAsync("web");
        await PutAsync("/", new TarBytes().File("opt/app", "x").ToArray());
        foreach ((TarBytes tar, string sentence) in new[]
        {
            (new TarBytes().File("f", "").SymbolicLink("etc/link", "/f"), "/etc/link cannot be put into a container before its first start: it is a link"),
            (new TarBytes().File("f", "").HardLink("hard", "f"), "/hard cannot be put into a container before its first start: it is a link"),
            (new TarBytes().Add("null", '3', []), "/null cannot be put into a container before its first start: it is a device"),
            (new TarBytes().Add("pipe", '6', []), "/pipe cannot be put into a container before its first start: it is a pipe"),
            (new TarBytes().Directory("d/").Directory("d/e/").File("d/f", ""), "/d/e cannot be put into a container before its first start: it is a folder"),
            (new TarBytes().File("../up", ""), "a path that climbs with ..: ../up"),
            (new TarBytes().Add("a\u00FFb", '0', []), "its name is no plain text"),
            (new TarBytes().Add("a\nb", '0', []), "/a?b cannot be put into a container before its first start: its name is no plain text"),
            (new TarBytes().Pax("uid", "4294967294").File("f", ""), "/f cannot be put into a container before its first start: it belongs to 4294967294:2"),
            (new TarBytes().File("opt", ""), "/opt cannot be put into a container before its first start: it is a folder, since /opt/app lies in it"),
            (new TarBytes().File("opt/app/f", ""), "/opt/app/f cannot be put into a container before its first start: /opt/app is a file, and no folder"),
            (new TarBytes().File("f", "").File("f/g", ""), "it is a folder, since /f/g lies in it"),
        })
            await RefusedAsync("/", tar, sentence);
        await RefusedAsync("/etc/..", new TarBytes().File("f", ""), "this is no path of a container: a path that climbs with ..");
        await RefusedAsync("/", new TarBytes().Raw([1]), "the archive cannot be unpacked: a header with a wrong checksum");
        await RefusedAsync("/", [0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "the archive is compressed and broken");
        Assert.Equal("/opt/app", Assert.Single(Files).Path);
        Assert.Equal(2, Stored.Version);
    }

    [Fact]
    public async Task Files_lie_on_no_mount_and_beside_those_of_the_creation()
    {
        using TemporaryDirectory work = new();
        Directory.CreateDirectory(work["conf"]);
        File.WriteAllText(work["conf/b"], "b");
        await _docker.CreateAsync("web", host: $$$"""
            ,"Binds":["{{{work["conf"]}}}:/etc/app/:ro","data:/var/lib/data"],"Tmpfs":{"/run":""},
            "Mounts":[{"Type":"bind","Source":"{{{work["conf/b"]}}}","Target":"/srv/b","ReadOnly":true}]
            """);
        foreach ((string path, string sentence) in new[]
        {
            ("etc/app/b", "/etc/app/b cannot be put into a container before its first start: /etc/app/ is mounted there"),
            ("etc/app/c", "/etc/app/ is mounted there"),
            ("etc/app", "/etc/app/ is mounted there"),
            ("srv/b", "/srv/b is mounted there"),
            ("var/lib/data/f", "/var/lib/data is mounted there"),
            ("var/lib", "/var/lib cannot be put into a container before its first start: it is a folder, since /var/lib/data lies in it"),
            ("run/f", "/run is mounted there"),
            ("etc/hosts", "/etc/hosts is mounted there"),
            ("dev/shm/f", "/dev is mounted there"),
        })
            await RefusedAsync("/", new TarBytes().File(path, ""), sentence);
        await PutAsync("/", new TarBytes().File("etc/apple", "x").File("srv/b2", "x").ToArray());
        Assert.Equal(["/etc/app/b", "/etc/apple", "/srv/b", "/srv/b2"], Files.Select(f => f.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Files_are_few_and_small_and_no_more_of_an_archive_is_read()
    {
        const string Limit = "before its first start a container takes 64 files at most, and 256KiB together; while it runs it takes any size";
        await _docker.CreateAsync("web");
        await PutAsync("/", new TarBytes().File("a", new string('x', 200 << 10)).ToArray());
        await RefusedAsync("/", new TarBytes().File("b", new string('x', (56 << 10) + 1)), Limit);
        await PutAsync("/", new TarBytes().File("a", new string('y', 256 << 10)).ToArray());
        await RefusedAsync("/", new TarBytes().File("a", new string('x', (256 << 10) + 1)), Limit);
        await PutAsync("/", new TarBytes().File("a", "").ToArray());
        await RefusedAsync("/", Many(64), Limit);       // with the one that is there
        await PutAsync("/", Many(63).ToArray());
        Assert.Equal(64, Files.Count);
        await RefusedAsync("/", Many(65), Limit);
        // A file that says that it is long, and one whose archive unpacks to much more than came.
        await RefusedAsync("/", new TarBytes().Pax("GNU.sparse.size", $"{long.MaxValue}").File("a", ""), Limit);
        await RefusedAsync("/", Compressed(new byte[64 << 20]), Limit);

        static TarBytes Many(int count) => Enumerable.Range(0, count).Aggregate(new TarBytes(), (tar, i) => tar.File($"d/{i}", ""));
    }

    [Fact]
    public async Task Head_and_get_know_the_files_that_were_put_in()
    {
        await _docker.CreateAsync("web");
        await PutAsync("/srv", new TarBytes().File("d/conf", "a=b\n", "0000600").ToArray());
        foreach ((string path, string name, long mode, int size) in new[]
        {
            ("/srv/d/conf", "conf", 0x180L, 4), ("/srv/d/", "d", 0x800001EDL, 0), ("srv", "srv", 0x800001EDL, 0), ("/", "/", 0x800001EDL, 0),
        })
        {
            using HttpResponseMessage head = await AskAsync(HttpMethod.Head, path);
            Assert.Equal(HttpStatusCode.OK, head.StatusCode);
            JsonNode stat = StatOf(head);
            Assert.Equal((name, mode, size), (stat["name"]!.ToString(), stat["mode"]!.GetValue<long>(), stat["size"]!.GetValue<int>()));
        }
        using HttpResponseMessage got = await AskAsync(HttpMethod.Get, "/srv/d/conf");
        Assert.Equal((HttpStatusCode.OK, "application/x-tar", 4),
            (got.StatusCode, got.Content.Headers.ContentType!.ToString(), StatOf(got)["size"]!.GetValue<int>()));
        using MemoryStream archive = new(await got.Content.ReadAsByteArrayAsync());
        TarReader tar = new(archive);
        TarEntry entry = tar.Next()!;
        byte[] content = new byte[10];
        Assert.Equal(4, tar.Read(content, out _));
        Assert.Equal(("conf", 0x180, 1u, 2u, "a=b\n"), (entry.Path, entry.Mode, entry.Uid, entry.Gid, Encoding.UTF8.GetString(content, 0, 4)));
        Assert.Null(tar.Next());

        // What else the image has there is not known.
        using HttpResponseMessage folder = await AskAsync(HttpMethod.Get, "/srv/d");
        Assert.Equal(HttpStatusCode.Conflict, folder.StatusCode);
        using HttpResponseMessage none = await AskAsync(HttpMethod.Get, "/etc/passwd");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        Assert.Contains("Could not find the file /etc/passwd in container web", await none.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using HttpResponseMessage head404 = await AskAsync(HttpMethod.Head, "/srv/d/con");
        Assert.Equal(HttpStatusCode.NotFound, head404.StatusCode);
    }

    [Fact]
    public async Task Changes_at_once_lose_none()
    {
        string id = await _docker.CreateAsync("web");
        await Task.WhenAll([_docker.AskAsync("POST", $"/containers/{id}/rename?name=shop"),
            .. Enumerable.Range(0, 8).Select(i => PutAsync("/", new TarBytes().File($"f{i}", $"{i}").ToArray(), id))]);
        Assert.Equal(Enumerable.Range(0, 8).Select(i => $"/f{i} {i}"), Files.Select(f => $"{f.Path} {Text(f)}").Order(StringComparer.Ordinal));
        Assert.Equal((10, "shop"), (Stored.Version, Stored.Annotations!["docker.name"]));

        // Another workstation is faster.
        _docker.Engine.HasRival = true;
        await PutAsync("/", new TarBytes().File("last", "x").ToArray(), "shop");
        Assert.Equal((12, "was here", 9), (Stored.Version, Stored.Annotations!["rival"], Files.Count));
    }

    private Deployment Stored => _docker.Engine.Deployments.Single(d => d.Workloads.OfType<ZmachineWorkload>().Any());

    private IReadOnlyList<MachineFile> Files => Stored.Workloads.OfType<ZmachineWorkload>().Single().Data.Files!;

    private static string Text(MachineFile file) => Encoding.UTF8.GetString(Convert.FromBase64String(file.Base64!));

    private static byte[] Compressed(byte[] plain)
    {
        using MemoryStream sent = new();
        using (GZipStream to = new(sent, CompressionLevel.Fastest, leaveOpen: true))
            to.Write(plain);
        return sent.ToArray();
    }

    private Task RefusedAsync(string folder, TarBytes tar, string sentence, HttpStatusCode status = HttpStatusCode.BadRequest) =>
        RefusedAsync(folder, tar.ToArray(), sentence, status);

    private async Task RefusedAsync(string folder, byte[] archive, string sentence, HttpStatusCode status = HttpStatusCode.BadRequest)
    {
        using HttpResponseMessage answer = await AskAsync(HttpMethod.Put, folder, archive);
        string says = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["message"]!.ToString();
        Assert.Contains(sentence, says, StringComparison.Ordinal);
        Assert.Equal(status, answer.StatusCode);
    }

    private async Task PutAsync(string folder, byte[] archive, string container = "web")
    {
        using HttpResponseMessage answer = await AskAsync(HttpMethod.Put, folder, archive, container);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
    }

    private async Task<HttpResponseMessage> AskAsync(HttpMethod method, string path, byte[]? body = null, string container = "web")
    {
        using ByteArrayContent? content = body is null ? null : new(body);
        return await _docker.SendAsync(method, $"/v1.47/containers/{container}/archive?path={Uri.EscapeDataString(path)}", content);
    }

    private static JsonNode StatOf(HttpResponseMessage answer) =>
        JsonNode.Parse(Convert.FromBase64String(answer.Headers.GetValues("X-Docker-Container-Path-Stat").Single()))!;
}
