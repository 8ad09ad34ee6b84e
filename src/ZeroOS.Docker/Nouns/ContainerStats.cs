using System.Text.Json.Nodes;

using ZeroOS.Contracts.Bus;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>What containers use: docker stats.</summary>
internal sealed class ContainerStats(DockerApi api)
{
    private const long NanosecondsATick = 100;

    /// <summary>GET /containers/{id}/stats. Clients divide what came between two samples: the first of a stream has none before it.</summary>
    public async Task WatchAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        bool streams = call.Query.Text("stream") is null || call.Query.Flag("stream"), once = call.Query.Flag("one-shot");
        Stream to = await call.BeginAsync();
        if (!container.IsRunning)
        {
            await to.WriteAsync(Words.Bytes(View(container, null, null)), call.Cancellation);
            return;
        }
        (DateTimeOffset Time, MachineSample Sample)? before = null;
        await foreach ((DateTimeOffset Time, MachineSample Sample) now in api.Usage.WatchAsync(container.Address, call.Cancellation))
        {
            if (before is { } last && last.Sample.Starts != now.Sample.Starts)
                before = null;
            if (streams || once || before is not null)
                await to.WriteAsync((byte[])[.. Words.Bytes(View(container, before, now)), (byte)'\n'], call.Cancellation);
            await to.FlushAsync(call.Cancellation);
            if (!streams && (once || before is not null))
                return;
            before = now;
        }
    }

    private static JsonObject View(Container container, (DateTimeOffset Time, MachineSample Sample)? before, (DateTimeOffset Time, MachineSample Sample)? now)
    {
        MachineSample? sample = now?.Sample;
        int cpus = container.Machine.Data.Cpu;
        return new JsonObject
        {
            ["id"] = container.Id,
            ["name"] = "/" + container.Name,
            ["read"] = Words.Time(now?.Time),
            ["preread"] = Words.Time(before?.Time),
            ["num_procs"] = 0,
            ["storage_stats"] = new JsonObject(),
            ["cpu_stats"] = Cpu(now, cpus),
            ["precpu_stats"] = Cpu(before, cpus),
            ["memory_stats"] = sample is null ? [] : new JsonObject
            {
                ["usage"] = sample.UsedBytes ?? sample.HeldBytes,
                ["limit"] = sample.MemoryBytes,
                ["stats"] = new JsonObject { ["inactive_file"] = 0 },
            },
            ["networks"] = sample?.ReceivedBytes is null ? [] : new JsonObject
            {
                ["eth0"] = new JsonObject { ["rx_bytes"] = sample.ReceivedBytes, ["tx_bytes"] = sample.SentBytes ?? 0 },
            },
            ["blkio_stats"] = new JsonObject { ["io_service_bytes_recursive"] = sample?.ReadBytes is null ? [] : Disk(sample) },
            ["pids_stats"] = Processes(sample),
        };
    }

    private static JsonObject Processes(MachineSample? sample)
    {
        JsonObject stats = [];
        if (sample?.Pids is { } current)
            stats["current"] = current;
        if (sample?.PidsLimit is { } limit)
            stats["limit"] = limit;
        return stats;
    }

    private static JsonArray Disk(MachineSample sample) => new(
        new JsonObject { ["major"] = 0, ["minor"] = 0, ["op"] = "read", ["value"] = sample.ReadBytes },
        new JsonObject { ["major"] = 0, ["minor"] = 0, ["op"] = "write", ["value"] = sample.WrittenBytes ?? 0 });

    // Clients take the share of one processor from the growth of both, times the processors: the system's is that of all of the machine's.
    private static JsonObject Cpu((DateTimeOffset Time, MachineSample Sample)? of, int cpus) => new()
    {
        ["cpu_usage"] = new JsonObject
        {
            ["total_usage"] = of?.Sample.CpuNanoseconds ?? 0,
            ["usage_in_kernelmode"] = 0,
            ["usage_in_usermode"] = of?.Sample.CpuNanoseconds ?? 0,
        },
        ["system_cpu_usage"] = of is { } at ? (at.Time - DateTimeOffset.UnixEpoch).Ticks * NanosecondsATick * cpus : 0,
        ["online_cpus"] = cpus,
        ["throttling_data"] = new JsonObject { ["periods"] = 0, ["throttled_periods"] = 0, ["throttled_time"] = 0 },
    };
}
