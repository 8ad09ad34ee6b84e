using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Docker;

/// <summary>What containers have besides their image: volumes, and files of the workstation.</summary>
public sealed class DockerMountTests : IAsyncLifetime
{
    private DockerBench _docker = null!;

    public async Task InitializeAsync() => _docker = await DockerBench.StartAsync();

    public async Task DisposeAsync() => await _docker.DisposeAsync();

    [Fact]
    public async Task Files_and_small_folders_that_are_read_travel_with_the_container()
    {
        using TemporaryDirectory work = new();
        Directory.CreateDirectory(work["conf/d"]);
        File.WriteAllText(work["conf/d/a"], "a");
        File.WriteAllText(work["conf/b"], "b");
        File.SetUnixFileMode(work["conf/b"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        JsonNode created = await _docker.JsonAsync("POST", "/containers/create?name=w", $$$"""
            {"Image":"busybox","HostConfig":{"Binds":["{{{work["conf"]}}}:/etc/app:ro","/etc/localtime:/etc/localtime:ro"],
            "Mounts":[{"Type":"bind","Source":"{{{work["conf/b"]}}}","Target":"/run/secrets/b","ReadOnly":true}]}}
            """, 201);
        Assert.Contains("/etc/localtime", Assert.Single(created["Warnings"]!.AsArray())!.ToString(), StringComparison.Ordinal);
        ZmachineData machine = _docker.Engine.Deployments.Single().Workloads.OfType<ZmachineWorkload>().Single().Data;
        Assert.Equal([("/etc/app/b", "b", "0600"), ("/etc/app/d/a", "a", "0644"), ("/run/secrets/b", "b", "0600")],
            machine.Files!.OrderBy(f => f.Path, StringComparer.Ordinal)
                .Select(f => (f.Path, Encoding.UTF8.GetString(Convert.FromBase64String(f.Base64!)), f.Mode!)));
        Assert.Equal([("/etc/app", 1L << 20)], machine.Tmpfs!.Select(t => (t.Path, t.Size!.Value.Bytes)));     // hides what the image has there
        Assert.Equal(["bind", "bind", "bind"], (await _docker.JsonAsync("GET", "/containers/w/json"))["Mounts"]!.AsArray().Select(m => m!["Type"]!.ToString()));

        // A link in a folder may lead anywhere.
        File.CreateSymbolicLink(work["conf/link"], "/etc/passwd");
        await RefusedAsync("conf/link is neither a file nor a folder");
        File.Delete(work["conf/link"]);
        File.WriteAllBytes(work["conf/big"], new byte[200 << 10]);
        File.WriteAllBytes(work["conf/bigger"], new byte[100 << 10]);
        await RefusedAsync("256KiB together");
        File.WriteAllBytes(work["conf/big"], new byte[300 << 10]);
        await RefusedAsync("conf/big is larger than 256KiB");
        File.Delete(work["conf/big"]);
        for (int i = 0; i < 64; i++)
            File.WriteAllText(work[$"conf/d/{i}"], "");
        await RefusedAsync("at most 64");

        async Task RefusedAsync(string sentence)
        {
            (int status, string body) = await _docker.AskAsync("POST", "/containers/create",
                $$$"""{"Image":"busybox","HostConfig":{"Binds":["{{{work["conf"]}}}:/etc/app:ro"]}}""");
            Assert.Equal(400, status);
            Assert.Contains(sentence, body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Named_volumes_are_made_mounted_shown_and_kept()
    {
        JsonNode created = await _docker.JsonAsync("POST", "/containers/create?name=db", """
            {"Image":"busybox","HostConfig":{"Binds":["data:/srv/data:ro,z"],"Mounts":[
            {"Type":"volume","Source":"logs","Target":"/var/log",
             "VolumeOptions":{"Labels":{"p":"shop"},"DriverConfig":{"Options":{"size":"2GiB"}}}},
            {"Type":"volume","Target":"/cache"},{"Type":"tmpfs","Target":"/run","TmpfsOptions":{"SizeBytes":67108864,"Mode":1023}}]}}
            """, 201);
        Assert.Contains("/cache", Assert.Single(created["Warnings"]!.AsArray())!.ToString(), StringComparison.Ordinal);
        Dictionary<string, Deployment> volumes = _docker.Engine.Deployments.Where(d => d.Workloads[0] is ZmountWorkload)
            .ToDictionary(d => d.Annotations!["docker.name"], StringComparer.Ordinal);
        Assert.Equal([1L << 30, 2L << 30], ((string[])["data", "logs"]).Select(n => ((ZmountWorkload)volumes[n].Workloads.Single()).Data.Size.Bytes));
        ZmachineData machine = _docker.Engine.Deployments.SelectMany(d => d.Workloads).OfType<ZmachineWorkload>().Single().Data;
        Assert.Equal([($"{volumes["data"].Name}/data", "/srv/data", true), ($"{volumes["logs"].Name}/data", "/var/log", false)],
            machine.Mounts.Select(m => (m.Volume, m.Path, m.ReadOnly)));
        Assert.Equal([("/run", 64L << 20, "1777")], machine.Tmpfs!.Select(t => (t.Path, t.Size!.Value.Bytes, t.Mode!)));
        JsonArray mounts = (await _docker.JsonAsync("GET", "/containers/db/json"))["Mounts"]!.AsArray();
        Assert.Equal([("data", "/srv/data", false), ("logs", "/var/log", true)],
            mounts.Select(m => (m!["Name"]!.ToString(), m["Destination"]!.ToString(), m["RW"]!.GetValue<bool>())));
        Assert.Equal("shop", (await _docker.JsonAsync("GET", "/volumes/logs"))["Labels"]!["p"]!.ToString());

        // A second container names the same volume; it is there already, and goes with neither of them.
        await _docker.CreateAsync("next", host: ",\"Binds\":[\"data:/data\"]");
        Assert.Equal(2, _docker.Engine.Deployments.Count(d => d.Workloads[0] is ZmountWorkload));
        (int status, string body) = await _docker.AskAsync("DELETE", "/volumes/data");
        Assert.Equal(409, status);
        Assert.Contains("volume is in use - [", body, StringComparison.Ordinal);
        foreach (string name in (string[])["db", "next"])
            Assert.Equal(204, (await _docker.AskAsync("DELETE", $"/containers/{name}?v=1")).Status);
        Assert.Equal(2, (await _docker.JsonAsync("GET", "/volumes"))["Volumes"]!.AsArray().Count);
        Assert.Empty((await _docker.JsonAsync("POST", "/volumes/prune"))["VolumesDeleted"]!.AsArray());
        Assert.Equal(204, (await _docker.AskAsync("DELETE", "/volumes/data")).Status);
        Assert.Equal("logs", Assert.Single((await _docker.JsonAsync("POST", """/volumes/prune?filters={"all":{"true":true}}"""))["VolumesDeleted"]!.AsArray())!
            .ToString());
        Assert.Empty(_docker.Engine.Deployments);
    }

    [Fact]
    public async Task Volume_that_does_not_become_free_is_an_error_and_the_container_is_stopped()
    {
        _docker.Engine.Trouble = (WorkloadState.Pending, "volume-in-use");
        _docker.Engine.Troubles = 1000;
        string id = await _docker.CreateAsync("db");
        (int status, string body) = await _docker.AskAsync("POST", $"/containers/{id}/start");
        Assert.Equal(500, status);
        Assert.Contains("container db does not run: it is", body, StringComparison.Ordinal);
        Assert.Single(_docker.Engine.Asked);
    }
}
