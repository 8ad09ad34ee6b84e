using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Creation;
using ZeroOS.Docker.Http;

namespace ZeroOS.Tests.Docker;

/// <summary>Requests as real clients were seen to send them, and what they need of the answers.</summary>
public sealed class DockerServerTests : IAsyncLifetime
{
    private DockerBench _docker = null!;

    public async Task InitializeAsync() => _docker = await DockerBench.StartAsync();

    public async Task DisposeAsync() => await _docker.DisposeAsync();

    [Fact]
    public async Task Socket_is_its_owners_alone()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_docker.Socket));
        Assert.Equal((200, "OK"), await _docker.AskAsync("GET", "/_ping", prefix: false));
    }

    [Fact]
    public async Task Versions_that_are_not_spoken_and_paths_that_are_not_there_are_sentences()
    {
        Assert.Equal((200, ""), await _docker.AskAsync("HEAD", "/_ping", prefix: false));
        (int status, string body) = await _docker.AskAsync("GET", "/v1.99/info", prefix: false);
        Assert.Equal(400, status);
        Assert.Contains("client version 1.99 is too new. Maximum supported API version is 1.47", body, StringComparison.Ordinal);
        Assert.Equal(404, (await _docker.AskAsync("GET", "/frobnicate")).Status);
        (status, body) = await _docker.AskAsync("POST", "/containers/x/pause");
        Assert.Equal(501, status);
        Assert.Contains("POST /containers/x/pause", body, StringComparison.Ordinal);
        Assert.Equal(503, (await _docker.AskAsync("GET", "/nodes")).Status);
        Assert.Equal("1.47", (await _docker.JsonAsync("GET", "/version"))["ApiVersion"]!.GetValue<string>());
        Assert.Equal(4, (await _docker.JsonAsync("GET", "/info"))["NCPU"]!.GetValue<int>());
    }

    [Fact]
    public async Task Creation_is_a_deployment_that_is_not_started_and_remembers_every_word()
    {
        string id = await _docker.CreateAsync("web", """
            ,"Env":["X=1","A=mine"],"StopSignal":"SIGINT","StopTimeout":3,"Healthcheck":{"Test":["CMD","true"]},"Hostname":"h"
            """, """
            ,"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}],"53/udp":[{"HostIp":"","HostPort":""}]},"Memory":100000000,"NanoCpus":1500000000
            """);
        Deployment deployment = Assert.Single(_docker.Engine.Deployments);
        ZmachineData machine = deployment.Workloads.OfType<ZmachineWorkload>().Single().Data;
        Assert.Equal(("docker-" + id[..12], _docker.Digest, "demo/library/busybox:latest"), (deployment.Name, machine.Flist.Digest, machine.Flist.Reference));
        Assert.Equal((false, 2, 100663296L, RestartPolicy.Never), (machine.Run!.Value, machine.Cpu, machine.Memory!.Value.Bytes, machine.Restart));
        Assert.Equal(("1", "mine", "SIGINT", "3s"), (machine.Env["X"], machine.Env["A"], machine.Stop.Signal, machine.Stop.Timeout));
        Assert.Equal((1500, "h"), (machine.CpuQuota!.Value, machine.Hostname));
        Assert.Null(machine.Entrypoint);
        Assert.Equal(["run"], machine.Args!);
        Assert.Equal([(8080, 80, PortProtocol.Tcp), (8080, 53, PortProtocol.Udp)], machine.Publish.Select(p => (p.Host, p.Guest, p.Protocol)));

        JsonNode shown = await _docker.JsonAsync("GET", "/containers/web/json");
        Assert.Equal(("/web", "created", id), (shown["Name"]!.ToString(), shown["State"]!["Status"]!.ToString(), shown["Id"]!.ToString()));
        JsonNode config = shown["Config"]!;
        Assert.Equal(("h", "busybox", "b", "7", "/w"), (config["Hostname"]!.ToString(), config["Image"]!.ToString(), config["Labels"]!["a"]!.ToString(),
            config["User"]!.ToString(), config["WorkingDir"]!.ToString()));
        Assert.Equal(["X=1", "A=mine"], config["Env"]!.AsArray().Select(e => e!.ToString()));
        Assert.Equal("[\"CMD\",\"true\"]", config["Healthcheck"]!["Test"]!.ToJsonString());
        Assert.Equal("json-file", shown["HostConfig"]!["LogConfig"]!["Type"]!.ToString());
        Assert.Equal("8080", shown["HostConfig"]!["PortBindings"]!["80/tcp"]![0]!["HostPort"]!.ToString());
    }

    [Theory]
    [InlineData(""","MacAddress":"02:00:00:00:00:01" """, "", "MacAddress")]
    [InlineData("", ""","Binds":["/etc:/srv"]""", "bind mount /etc cannot be honoured")]
    [InlineData("", ""","Binds":["/etc/passwd:/srv/passwd"]""", "does not come back")]
    [InlineData("", ""","Binds":["/no-such-folder:/srv:ro"]""", "bind source path does not exist")]
    [InlineData("", ""","Binds":["/var/run/docker.sock:/var/run/docker.sock"]""", "no container gets that")]
    [InlineData("", ""","Binds":["data:/data:nocopy"]""", "option nocopy")]
    [InlineData("", ""","Mounts":[{"Type":"bind","Source":"/etc","Target":"/srv"}]""", "bind mount /etc cannot be honoured")]
    [InlineData("", ""","Mounts":[{"Type":"npipe","Source":"/etc","Target":"/srv"}]""", "type npipe")]
    [InlineData("", ""","Mounts":[{"Type":"volume","Source":"a","Target":"/a","VolumeOptions":{"Subpath":"b"}}]""", "VolumeOptions.Subpath")]
    [InlineData("", ""","Mounts":[{"Type":"volume","Source":"a"}]""", "a mount has a target")]
    [InlineData("", ""","Tmpfs":{"/run":"size=5%"}""", "HostConfig.Tmpfs /run")]
    [InlineData(""","Healthcheck":{"Test":["HTTP","/"]}""", "", "Healthcheck.Test")]
    [InlineData("", ",\"NetworkMode\":\"host\"", "HostConfig.NetworkMode host")]
    [InlineData("", ""","LogConfig":{"Type":"syslog","Config":{}}""", "HostConfig.LogConfig")]
    [InlineData("", ""","AutoRemove":true,"RestartPolicy":{"Name":"always"}""", "a name is there twice")]
    public async Task What_cannot_be_honoured_is_400_and_names_the_field(string more, string host, string field)
    {
        (int status, string body) = await _docker.AskAsync("POST", "/containers/create",
            $$"""{"Image":"busybox"{{more}},"HostConfig":{"RestartPolicy":{"Name":"no"}{{host}}} }""");
        Assert.Equal(400, status);
        Assert.Contains(field, body, StringComparison.Ordinal);
        Assert.Empty(_docker.Engine.Deployments);
    }

    [Fact]
    public async Task Words_of_the_inside_are_the_machines()
    {
        string id = await _docker.CreateAsync("web", """
            ,"Hostname":"a","Domainname":"b.c","Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":1500000000,"Timeout":0,"Retries":2}
            """, """
            ,"Tmpfs":{"/run":"rw,size=64m,mode=1777,exec","/t":""},"Privileged":true,"CapAdd":["NET_ADMIN"],"CapDrop":["ALL"],"ReadonlyRootfs":true,
            "Sysctls":{"net.core.somaxconn":"1024"},"GroupAdd":["video"],"Dns":["1.1.1.1"],"DnsSearch":["b.c"],"DnsOptions":["ndots:2"],
            "ExtraHosts":["db:10.0.0.7","gate=host-gateway"],"ShmSize":1073741824,"Ulimits":[{"Name":"nofile","Soft":1024,"Hard":-1}],"PidsLimit":200,
            "Init":true,"CpuQuota":50000
            """);
        ZmachineData machine = _docker.Engine.Deployments.Single().Workloads.OfType<ZmachineWorkload>().Single().Data;
        Assert.Equal(("a.b.c", true, true, true, 200, 1L << 30, 1, 500), (machine.Hostname, machine.Privileged, machine.ReadOnlyRoot, machine.Init,
            machine.Pids!.Value, machine.Shm!.Value.Bytes, machine.Cpu, machine.CpuQuota!.Value));
        Assert.Equal([("/run", 64L << 20, "1777", "rw exec"), ("/t", null, null, null)],
            machine.Tmpfs!.Select(t => (t.Path, t.Size?.Bytes, t.Mode, t.Options is { } o ? string.Join(' ', o) : null)));
        Assert.Equal(["NET_ADMIN", "video"], [machine.CapAdd![0], machine.Groups![0]]);
        Assert.Null(machine.CapDrop);       // as in Docker, where privileged ones keep all
        Assert.Equal("1024", machine.Sysctls!["net.core.somaxconn"]);
        Assert.Equal(["1.1.1.1", "b.c", "ndots:2"], [machine.Dns!.Servers![0], machine.Dns.Search![0], machine.Dns.Options![0]]);
        Assert.Equal(["db:10.0.0.7", "gate:host-gateway"], machine.ExtraHosts!);
        Assert.Equal([new MachineUlimit { Name = "nofile", Soft = 1024, Hard = -1 }], machine.Ulimits!);
        Assert.Equal(new HealthCheck { Shell = "true", Interval = "2s", Retries = 2 }, machine.Health);
        Assert.Equal(1024, (await _docker.JsonAsync("GET", $"/containers/{id}/json"))["HostConfig"]!["Ulimits"]![0]!["Soft"]!.GetValue<int>());
    }

    [Fact]
    public async Task What_says_nothing_is_the_nodes_and_the_name_is_the_beginning_of_the_id()
    {
        string id = await _docker.CreateAsync("web", ",\"Healthcheck\":{\"Test\":[\"NONE\"]}",
            ",\"CapDrop\":[\"ALL\"],\"PidsLimit\":-1,\"ShmSize\":0,\"Dns\":[],\"Init\":null,\"Tmpfs\":{}");
        ZmachineData machine = _docker.Engine.Deployments.Single().Workloads.OfType<ZmachineWorkload>().Single().Data;
        Assert.Equal(id[..12], machine.Hostname);
        Assert.Equal(["ALL"], machine.CapDrop!);
        Assert.Equal((null, null, null, false, null, null), (machine.Pids, machine.Shm, machine.Dns, machine.Init, machine.Tmpfs, machine.CpuQuota));
        Assert.Equal(new HealthCheck { None = true }, machine.Health);
    }

    [Theory]
    [InlineData("on-failure", 3, RestartPolicy.OnFailure, 3)]
    [InlineData("on-failure", 0, RestartPolicy.OnFailure, null)]
    [InlineData("unless-stopped", 0, RestartPolicy.Always, null)]
    [InlineData("always", 3, null, null)]
    public async Task Restarts_have_a_count_after_failures_alone(string name, int count, RestartPolicy? policy, int? most)
    {
        (int status, string body) = await _docker.AskAsync("POST", "/containers/create",
            $$$"""{"Image":"busybox","HostConfig":{"RestartPolicy":{"Name":"{{{name}}}","MaximumRetryCount":{{{count}}}} } }""");
        Assert.True(status == (policy is null ? 400 : 201), body);
        ZmachineData? machine = _docker.Engine.Deployments.SingleOrDefault()?.Workloads.OfType<ZmachineWorkload>().Single().Data;
        Assert.Equal((policy, most), (machine?.Restart, machine?.MaxRestarts));
    }

    [Fact]
    public async Task Health_is_shown_in_lists_and_with_its_log()
    {
        HealthResult last = new() { Number = 1, Start = DateTimeOffset.UnixEpoch, End = DateTimeOffset.UnixEpoch, ExitCode = 0, Output = "well" };
        HealthStatus well = new() { State = HealthState.Healthy, Results = [last] };
        _docker.Engine.Program = _ => new PlayedProgram(Code: null, Health: well);
        await _docker.CreateAsync("web");
        Assert.Null((await _docker.JsonAsync("GET", "/containers/web/json"))["State"]!["Health"]);
        await _docker.AskAsync("POST", "/containers/web/start");
        JsonNode health = (await _docker.JsonAsync("GET", "/containers/web/json"))["State"]!["Health"]!;
        Assert.Equal(("healthy", "well"), (health["Status"]!.ToString(), health["Log"]![0]!["Output"]!.ToString()));
        JsonNode row = Assert.Single((await _docker.JsonAsync("GET", """/containers/json?filters={"health":["healthy"]}""")).AsArray())!;
        Assert.EndsWith(" (healthy)", row["Status"]!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Containers_are_in_networks_by_their_names_and_aliases()
    {
        string front = (await _docker.JsonAsync("POST", "/networks/create", """{"Name":"front"}""", 201))["Id"]!.ToString();
        string back = (await _docker.JsonAsync("POST", "/networks/create", """{"Name":"back"}""", 201))["Id"]!.ToString();
        await _docker.JsonAsync("POST", "/containers/create", """{"Image":"busybox","HostConfig":{"NetworkMode":"nosuch"}}""", 404);
        await _docker.JsonAsync("POST", "/containers/create?name=web", $$"""
            {"Image":"busybox","HostConfig":{"NetworkMode":"{{front[..12]}}"},"NetworkingConfig":{"EndpointsConfig":{
            "front":{"Aliases":["www","web"],"IPAMConfig":{"IPv4Address":"172.18.0.9"} },"back":null} } }
            """, 201);
        Deployment deployment = _docker.Engine.Deployments.Single(d => d.Workloads[0] is ZmachineWorkload);
        Assert.Single(deployment.Workloads);
        Assert.Equal([($"docker-{front[..12]}/net", "172.18.0.9", "web www"), ($"docker-{back[..12]}/net", null, "web")],
            ((ZmachineWorkload)deployment.Workloads[0]).Data.Networks.Select(n => (n.Network, n.Ip, string.Join(' ', n.Aliases!))));
        JsonNode shown = await _docker.JsonAsync("GET", "/containers/web/json");
        Assert.Equal("front", shown["HostConfig"]!["NetworkMode"]!.ToString());
        Assert.Equal([front, back], shown["NetworkSettings"]!["Networks"]!.AsObject().Select(n => n.Value!["NetworkID"]!.ToString()));
        Assert.Single((await _docker.JsonAsync("GET", """/containers/json?all=1&filters={"network":["back"]}""")).AsArray());
        Assert.Equal(409, (await _docker.AskAsync("DELETE", "/networks/back")).Status);
        Assert.Equal(204, (await _docker.AskAsync("DELETE", "/containers/web")).Status);
        Assert.Equal(204, (await _docker.AskAsync("DELETE", "/networks/back")).Status);
    }

    [Fact]
    public async Task What_is_not_known_is_warned_about_and_what_is_missing_is_404()
    {
        JsonNode created = await _docker.JsonAsync("POST", "/containers/create",
            """{"Image":"busybox","Frobnicate":1,"HostConfig":{"CpusetCpus":"0","SecurityOpt":["seccomp=unconfined"]} }""", 201);
        Assert.Equal(["Frobnicate is not known here and has no effect", "HostConfig.CpusetCpus has no effect: the node chooses"],
            created["Warnings"]!.AsArray().Select(w => w!.ToString()));
        JsonNode missing = await _docker.JsonAsync("POST", "/containers/create", """{"Image":"nosuch"}""", 404);
        Assert.StartsWith("No such image", missing["message"]!.ToString(), StringComparison.Ordinal);
        await _docker.JsonAsync("GET", "/containers/nosuch/json", status: 404);
    }

    [Fact]
    public async Task Body_that_is_too_long_is_413()
    {
        JsonNode refused = await _docker.JsonAsync("POST", "/containers/create", $$"""{"Image":"{{new string('x', DockerCall.MaxBodyBytes)}}"}""", 413);
        Assert.Contains("at most 1048576 bytes", refused["message"]!.ToString(), StringComparison.Ordinal);
        Assert.Empty(_docker.Engine.Deployments);
    }

    [Fact]
    public async Task Names_are_unique_and_change_without_touching_the_machine()
    {
        string id = await _docker.CreateAsync("web");
        (int status, string body) = await _docker.AskAsync("POST", "/containers/create?name=web", """{"Image":"busybox"}""");
        Assert.Equal(409, status);
        Assert.Contains($"The container name \\u0022/web\\u0022 is already in use by container \\u0022{id}", body, StringComparison.Ordinal);
        IReadOnlyList<Workload> before = _docker.Engine.Deployments[0].Workloads;
        Assert.Equal(204, (await _docker.AskAsync("POST", $"/containers/{id[..6]}/rename?name=old_web")).Status);
        Assert.Equal("/old_web", (await _docker.JsonAsync("GET", $"/containers/{id}/json"))["Name"]!.ToString());
        Assert.Equal((2, before.Count), (_docker.Engine.Deployments[0].Version, _docker.Engine.Deployments[0].Workloads.Count));
        await _docker.CreateAsync("web");
    }

    [Fact]
    public async Task Lists_are_filtered_in_both_forms_of_filters()
    {
        string one = await _docker.CreateAsync("one"), two = await _docker.CreateAsync("two");
        Assert.Equal(204, (await _docker.AskAsync("POST", $"/containers/{one}/start")).Status);
        Assert.Empty((await _docker.JsonAsync("GET", "/containers/json")).AsArray());
        Assert.Equal([two, one], Ids(await _docker.JsonAsync("GET", "/containers/json?all=1&limit=-1&trunc_cmd=0")));
        Assert.Equal([one], Ids(await _docker.JsonAsync("GET", """/containers/json?filters={"status":{"exited":true}}""")));
        Assert.Equal([two], Ids(await _docker.JsonAsync("GET", """/containers/json?all=1&filters={"name":["^/two$"],"label":["a=b"]}""")));
        Assert.Empty(Ids(await _docker.JsonAsync("GET", """/containers/json?all=1&filters={"label":["a=b","c"]}""")));
        Assert.Empty(Ids(await _docker.JsonAsync("GET", """/containers/json?filters={"status":["dead"]}""")));
        Assert.Equal(400, (await _docker.AskAsync("GET", """/containers/json?filters={"colour":["red"]}""")).Status);

        static IEnumerable<string> Ids(JsonNode list) => list.AsArray().Select(c => c!["Id"]!.ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_is_create_attach_wait_start_and_loses_nothing(bool removes)
    {
        _docker.Engine.Program = _ => new PlayedProgram("hi\n", "oops\n", 7);
        string id = await _docker.CreateAsync("", host: $",\"AutoRemove\":{(removes ? "true" : "false")}");
        (string head, NetworkStream wire) = await _docker.HijackAsync($"/containers/{id}/attach?stderr=1&stdout=1&stream=1");
        Assert.StartsWith("HTTP/1.1 101 UPGRADED\r\n", head, StringComparison.Ordinal);
        Assert.Contains("multiplexed-stream", head, StringComparison.Ordinal);
        wire.Socket.Shutdown(SocketShutdown.Send);      // as docker does that has no input
        // As docker does, the start comes after the head of the wait: an exit before it would not be the next one.
        (head, NetworkStream waiting) = await _docker.HijackAsync($"/containers/{id}/wait?condition={(removes ? "removed" : "next-exit")}", upgrades: false);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", head, StringComparison.Ordinal);
        Assert.Equal(204, (await _docker.AskAsync("POST", $"/containers/{id}/start")).Status);
        Assert.Equal("1:hi\n2:oops\n", await DockerBench.FramesAsync(wire));
        Assert.Contains("\"StatusCode\":7", await DockerBench.TextAsync(waiting), StringComparison.Ordinal);
        Assert.Equal(removes ? 0 : 1, _docker.Engine.Deployments.Count);
        if (removes)
            return;
        JsonNode state = (await _docker.JsonAsync("GET", $"/containers/{id}/json"))["State"]!;
        Assert.Equal(("exited", 7), (state["Status"]!.ToString(), state["ExitCode"]!.GetValue<int>()));
        Assert.NotEqual("0001-01-01T00:00:00Z", state["StartedAt"]!.ToString());
    }

    [Theory]
    [InlineData(WorkloadState.BackingOff, "not-booted")]
    [InlineData(WorkloadState.Pending, "volume-in-use")]
    public async Task Machine_that_the_node_starts_after_a_while_has_started(WorkloadState state, string reason)
    {
        (_docker.Engine.Program, _docker.Engine.Trouble) = (_ => new PlayedProgram(Code: null), (state, reason));
        string id = await _docker.CreateAsync("web");
        Assert.Equal(204, (await _docker.AskAsync("POST", $"/containers/{id}/start")).Status);
        Assert.True((await _docker.JsonAsync("GET", $"/containers/{id}/json"))["State"]!["Running"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Program_that_is_not_found_ends_attach_and_is_removed_with_its_container()
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: 127, Reason: "command-not-found");
        string id = await _docker.CreateAsync("", host: ",\"AutoRemove\":true");
        (_, NetworkStream wire) = await _docker.HijackAsync($"/containers/{id}/attach?stderr=1&stdout=1&stream=1");
        (int status, string body) = await _docker.AskAsync("POST", $"/containers/{id}/start");
        Assert.Equal(400, status);
        Assert.Contains("executable file not found in $PATH", body, StringComparison.Ordinal);
        Assert.Equal("", await DockerBench.FramesAsync(wire));
        Assert.Empty(_docker.Engine.Deployments);
    }

    [Fact]
    public async Task Start_of_what_runs_and_stop_of_what_is_stopped_are_304()
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        string id = await _docker.CreateAsync("web", host: ",\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"8080\"}]}");
        Assert.Equal(304, (await _docker.AskAsync("POST", $"/containers/{id}/stop")).Status);
        Assert.Equal(409, (await _docker.AskAsync("POST", "/containers/web/kill")).Status);
        Assert.Equal(204, (await _docker.AskAsync("POST", "/containers/web/start")).Status);
        Assert.Equal(304, (await _docker.AskAsync("POST", "/containers/web/start")).Status);
        JsonNode row = (await _docker.JsonAsync("GET", "/containers/json"))[0]!;
        JsonNode port = row["Ports"]![0]!;
        Assert.Equal(("running", 8080, 80), (row["State"]!.ToString(), port["PublicPort"]!.GetValue<int>(), port["PrivatePort"]!.GetValue<int>()));
        Assert.StartsWith("Up ", row["Status"]!.ToString(), StringComparison.Ordinal);
        Assert.Equal(409, (await _docker.AskAsync("DELETE", "/containers/web")).Status);
        Assert.Equal(204, (await _docker.AskAsync("POST", "/containers/web/kill?signal=WINCH")).Status);
        Assert.Equal(204, (await _docker.AskAsync("POST", "/containers/web/kill?signal=HUP")).Status);
        Assert.Equal("HUP", Assert.Single(_docker.Engine.Asked.OfType<MachineKill>()).Signal);
        Assert.Equal(204, (await _docker.AskAsync("POST", "/containers/web/restart?t=4")).Status);
        Assert.Equal(204, (await _docker.AskAsync("POST", "/containers/web/stop?t=-1&signal=INT")).Status);
        Assert.Equal([("INT", 600), (null, 4)],
            _docker.Engine.Asked.OfType<MachineStop>().Select(s => (s.Signal, s.GraceSeconds!.Value)).OrderByDescending(s => s.Item2));
        Assert.Equal(204, (await _docker.AskAsync("POST", "/containers/web/start")).Status);
        Assert.Equal(204, (await _docker.AskAsync("DELETE", "/containers/web?force=1&v=1")).Status);
        Assert.Equal(404, (await _docker.AskAsync("DELETE", "/containers/web?force=1")).Status);
    }

    [Fact]
    public async Task Logs_have_streams_times_and_a_tail_and_followed_ones_end_with_the_container()
    {
        _docker.Engine.Program = _ => new PlayedProgram("one\n", "two\n", Code: null);
        string id = await _docker.CreateAsync("web");
        await _docker.AskAsync("POST", $"/containers/{id}/start");
        Task<(int, string Body)> followed = _docker.AskAsync("GET", $"/containers/{id}/logs?stdout=1&stderr=1&follow=1&tail=all&since=0&until=0");
        _docker.Engine.Say("three\n");
        Assert.Equal("1:1970-01-01T00:00:00.000000000Z three\n",
            Text((await _docker.AskAsync("GET", "/containers/web/logs?stdout=1&stderr=1&timestamps=1&tail=1")).Body));
        Assert.Equal("2:two\n", Text((await _docker.AskAsync("GET", "/containers/web/logs?stderr=1")).Body));
        Assert.Equal(400, (await _docker.AskAsync("GET", "/containers/web/logs")).Status);
        await _docker.AskAsync("POST", "/containers/web/stop");
        Assert.Equal("1:one\n2:two\n1:three\n", Text((await followed).Body));

        static string Text(string body) => DockerBench.Frames(Encoding.UTF8.GetBytes(body));
    }

    [Fact]
    public async Task Attach_to_a_container_that_runs_begins_with_what_comes()
    {
        _docker.Engine.Program = _ => new PlayedProgram("before\n", Code: null);
        string id = await _docker.CreateAsync("web");
        await _docker.AskAsync("POST", $"/containers/{id}/start");
        (string head, NetworkStream wire) = await _docker.HijackAsync($"/containers/{id}/attach?stdin=1&stderr=1&stdout=1&stream=1", upgrades: false);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", head, StringComparison.Ordinal);
        Assert.DoesNotContain("Length", head, StringComparison.Ordinal);
        _docker.Engine.Say("after\n");
        await _docker.AskAsync("POST", "/containers/web/stop");
        Assert.Equal("1:after\n", await DockerBench.FramesAsync(wire));
    }

    [Fact]
    public async Task Networks_and_volumes_are_made_shown_and_removed()
    {
        Assert.Equal(["bridge", "host", "none"], (await _docker.JsonAsync("GET", "/networks")).AsArray().Select(n => n!["Name"]!.ToString()));
        await _docker.JsonAsync("GET", "/networks/shop_default", status: 404);
        string id = (await _docker.JsonAsync("POST", "/networks/create",
            """{"Name":"shop_default","Driver":"","Labels":{"p":"shop"}}""", 201))["Id"]!.ToString();
        await _docker.JsonAsync("POST", "/networks/create", """{"Name":"shop_default"}""", 409);
        Assert.Equal("shop", (await _docker.JsonAsync("GET", "/networks/shop_default"))["Labels"]!["p"]!.ToString());
        Assert.Single((await _docker.JsonAsync("GET", """/networks?filters={"label":{"p=shop":true}}""")).AsArray());
        await _docker.JsonAsync("POST", "/networks/create", """{"Name":"back","Internal":true}""", 201);
        Assert.Single(_docker.Engine.Deployments, d => d.Workloads is [NetworkWorkload { Data.Internal: true }]);
        Assert.True((await _docker.JsonAsync("GET", "/networks/back"))["Internal"]!.GetValue<bool>());
        Assert.Equal(204, (await _docker.AskAsync("DELETE", $"/networks/{id}")).Status);
        Assert.Equal(403, (await _docker.AskAsync("DELETE", "/networks/bridge")).Status);

        await _docker.JsonAsync("POST", "/volumes/create", """{"Name":"data","Labels":{"p":"shop"}}""", 201);
        await _docker.JsonAsync("POST", "/volumes/create", """{"Name":"data"}""", 201);
        Assert.Single((await _docker.JsonAsync("GET", "/volumes"))["Volumes"]!.AsArray());
        Assert.Equal("shop", (await _docker.JsonAsync("GET", "/volumes/data"))["Labels"]!["p"]!.ToString());
        Assert.Equal(204, (await _docker.AskAsync("DELETE", "/volumes/data")).Status);
        Assert.Equal((404, 204),
            ((await _docker.AskAsync("DELETE", "/volumes/data")).Status, (await _docker.AskAsync("DELETE", "/volumes/data?force=1")).Status));
    }

    [Fact]
    public async Task Stats_of_a_container_are_two_samples_one_or_none()
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        string id = await _docker.CreateAsync("web", host: ",\"NanoCpus\":2000000000");
        Assert.Equal(0, (await _docker.JsonAsync("GET", $"/containers/{id}/stats?stream=0"))["cpu_stats"]!["cpu_usage"]!["total_usage"]!.GetValue<long>());
        Assert.Equal("{}", (await _docker.JsonAsync("GET", $"/containers/{id}/stats?stream=0"))["pids_stats"]!.ToJsonString());
        await _docker.AskAsync("POST", $"/containers/{id}/start");
        JsonNode two = await _docker.JsonAsync("GET", $"/containers/{id}/stats?stream=0");
        (JsonNode now, JsonNode before) = (two["cpu_stats"]!, two["precpu_stats"]!);
        Assert.Equal((500_000_000, 2_000_000_000, 2), (Growth(s => s["cpu_usage"]!["total_usage"]!), Growth(s => s["system_cpu_usage"]!),
            now["online_cpus"]!.GetValue<int>()));
        Assert.Equal((40L << 20, 256L << 20, 3000, 2000), (two["memory_stats"]!["usage"]!.GetValue<long>(), two["memory_stats"]!["limit"]!.GetValue<long>(),
            two["networks"]!["eth0"]!["rx_bytes"]!.GetValue<long>(), two["blkio_stats"]!["io_service_bytes_recursive"]![1]!["value"]!.GetValue<long>()));
        Assert.Equal("""{"current":7,"limit":100}""", two["pids_stats"]!.ToJsonString());
        JsonNode one = await _docker.JsonAsync("GET", $"/containers/{id}/stats?stream=0&one-shot=1");
        Assert.Equal((0, "0001-01-01T00:00:00Z"), (one["precpu_stats"]!["system_cpu_usage"]!.GetValue<long>(), one["preread"]!.ToString()));

        long Growth(Func<JsonNode, JsonNode> of) => of(now).GetValue<long>() - of(before).GetValue<long>();
    }

    [Fact]
    public async Task Images_are_those_that_containers_use()
    {
        string id = await _docker.CreateAsync("web");
        JsonNode image = Assert.Single((await _docker.JsonAsync("GET", "/images/json")).AsArray())!;
        Assert.Equal((_docker.Digest, "busybox:latest"), (image["Id"]!.ToString(), image["RepoTags"]![0]!.ToString()));
        Assert.Equal(_docker.Digest, (await _docker.JsonAsync("GET", "/images/docker.io/library/busybox:latest/json"))["Id"]!.ToString());
        Assert.Equal(_docker.Digest, (await _docker.JsonAsync("GET", $"/images/{_docker.Digest}/json"))["Id"]!.ToString());
        Assert.Equal(_docker.Digest, (await _docker.JsonAsync("GET", $"/containers/{id}/json"))["Image"]!.ToString());
        await _docker.JsonAsync("GET", "/images/nosuch/json", status: 404);
    }
}
