using System.Text.Json.Nodes;

using ZeroOS.Bus.Sessions;
using ZeroOS.Client;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>What runs in containers: docker top. The machine's own kernel says it, and the image needs no ps.</summary>
internal sealed class ContainerProcesses(DockerApi api)
{
    /// <summary>GET /containers/{id}/top</summary>
    public async Task ListAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        string asked = call.Query.Text("ps_args")?.Trim() ?? "-ef";
        ProcessColumns columns = asked switch
        {
            "-ef" => ProcessColumns.Full,
            "aux" or "-aux" => ProcessColumns.Users,
            _ => throw DockerFault.Bad($"ps_args={asked}: processes are listed as ps -ef and ps aux do it, and in no other way"),
        };
        if (!container.IsRunning)
            throw DockerFault.Conflict($"container {container.Id} is not running");
        await using Session session = await api.Node.AskAsync(n => n.ProcessesAsync(container.Address, call.Cancellation));
        ProcessList list = await MachineProcesses.ReadAsync(session, call.Cancellation);
        DateTimeOffset now = DateTimeOffset.Now;
        await call.AnswerAsync(new JsonObject
        {
            ["Titles"] = Words.List(columns.Titles),
            ["Processes"] = new JsonArray([.. list.Processes.Select(p => (JsonNode)Words.List(columns.Row(p, now)))]),
        });
    }
}
