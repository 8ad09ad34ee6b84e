using System.Text.Json.Nodes;

using ZeroOS.Contracts.Bus;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>The node as Docker's engine.</summary>
internal sealed class DockerSystem(DockerApi api, string nodeName)
{
    /// <summary>GET and HEAD /_ping</summary>
    public Task PingAsync(DockerCall call)
    {
        call.SetHeader("Builder-Version", "1");
        call.SetHeader("Swarm", "inactive");
        call.SetHeader("Cache-Control", "no-cache, no-store, must-revalidate");
        call.SetHeader("Pragma", "no-cache");
        return call.AnswerAsync("OK");
    }

    /// <summary>GET /version</summary>
    public async Task VersionAsync(DockerCall call)
    {
        NodeInfo info = await api.Node.AskAsync(n => n.InfoAsync(call.Cancellation));
        JsonObject details = new() { ["ApiVersion"] = DockerPath.NewestText, ["MinAPIVersion"] = DockerPath.OldestText, ["Os"] = "linux", ["Arch"] = "amd64" };
        await call.AnswerAsync(new JsonObject
        {
            ["Platform"] = new JsonObject { ["Name"] = $"ZeroOS {info.Version}" },
            ["Components"] = new JsonArray(new JsonObject { ["Name"] = "Engine", ["Version"] = info.Version, ["Details"] = details }),
            ["Version"] = info.Version,
            ["ApiVersion"] = DockerPath.NewestText,
            ["MinAPIVersion"] = DockerPath.OldestText,
            ["GitCommit"] = "",
            ["GoVersion"] = "",
            ["Os"] = "linux",
            ["Arch"] = "amd64",
            ["KernelVersion"] = "",
            ["BuildTime"] = "",
        });
    }

    /// <summary>GET /info</summary>
    public async Task InfoAsync(DockerCall call)
    {
        NodeInfo info = await api.Node.AskAsync(n => n.InfoAsync(call.Cancellation));
        Grant? grant = (await api.Node.AskAsync(n => n.StatusAsync(call.Cancellation))).Grant;
        IReadOnlyList<Container> containers = await api.Mirror.ContainersAsync();
        int running = containers.Count(c => c.IsRunning);
        await call.AnswerAsync(new JsonObject
        {
            ["ID"] = info.Id,
            ["Name"] = nodeName,
            ["ServerVersion"] = info.Version,
            ["OSType"] = "linux",
            ["Architecture"] = "x86_64",
            ["OperatingSystem"] = $"ZeroOS {info.Version}",
            ["KernelVersion"] = "",
            ["NCPU"] = grant?.Cpu ?? 0,
            ["MemTotal"] = grant?.Memory.Bytes ?? 0,
            ["Containers"] = containers.Count,
            ["ContainersRunning"] = running,
            ["ContainersPaused"] = 0,
            ["ContainersStopped"] = containers.Count - running,
            ["Images"] = containers.Select(c => c.Notes.ImageId).Distinct().Count(),
            ["Driver"] = "flist",
            ["DriverStatus"] = new JsonArray(),
            ["Plugins"] = new JsonObject
            {
                ["Volume"] = Words.List(["local"]),
                ["Network"] = Words.List(["bridge", "none"]),
                ["Log"] = Words.List(["json-file"]),
            },
            ["LoggingDriver"] = "json-file",
            ["CgroupDriver"] = "none",
            ["CgroupVersion"] = "2",
            ["Swarm"] = new JsonObject { ["NodeID"] = "", ["LocalNodeState"] = "inactive", ["RemoteManagers"] = null },
            ["Runtimes"] = new JsonObject { ["runc"] = new JsonObject { ["path"] = "runc" } },
            ["DefaultRuntime"] = "runc",
            ["SecurityOptions"] = new JsonArray(),
            ["RegistryConfig"] = new JsonObject
            {
                ["InsecureRegistryCIDRs"] = new JsonArray(),
                ["IndexConfigs"] = new JsonObject(),
                ["Mirrors"] = new JsonArray(),
            },
            ["IndexServerAddress"] = "https://index.docker.io/v1/",
            ["Labels"] = new JsonArray(),
            ["SystemTime"] = Words.Time(info.Time),
            ["DockerRootDir"] = "",
            ["ExperimentalBuild"] = false,
            ["LiveRestoreEnabled"] = true,
            ["MemoryLimit"] = true,
            ["SwapLimit"] = true,
            ["CpuCfsPeriod"] = true,
            ["CpuCfsQuota"] = true,
            ["CPUShares"] = true,
            ["CPUSet"] = true,
            ["PidsLimit"] = true,
            ["IPv4Forwarding"] = true,
            ["BridgeNfIptables"] = true,
            ["BridgeNfIp6tables"] = true,
            ["OomKillDisable"] = false,
            ["Warnings"] = null,
        });
    }

    /// <summary>GET /system/df</summary>
    public Task DiskAsync(DockerCall call) => call.AnswerAsync(new JsonObject
    {
        ["LayersSize"] = 0,
        ["Images"] = new JsonArray(),
        ["Containers"] = new JsonArray(),
        ["Volumes"] = new JsonArray(),
        ["BuildCache"] = new JsonArray(),
    });

    /// <summary>POST /build/prune</summary>
    public Task PruneBuildsAsync(DockerCall call) => call.AnswerAsync(new JsonObject { ["CachesDeleted"] = null, ["SpaceReclaimed"] = 0 });
}
