using System.Globalization;
using System.Text.Json;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.SystemTests.Bench;

/// <summary>What people see of their things, read from zos --json, and what their nodes serve.</summary>
internal static class Status
{
    /// <summary>Names and versions of all of a person's deployments.</summary>
    public static async Task<string[]> Names(Zos person) =>
        [.. JsonSerializer.Deserialize(await person.Ok("list", "--json"), BusJson.Default.DeploymentList)!.Deployments
            .Select(d => $"{d.Deployment.Name} {d.Deployment.Version}")];

    /// <summary>One workload of a deployment.</summary>
    public static async Task<WorkloadStatus> Of(Zos person, string deployment, string workload) =>
        JsonSerializer.Deserialize(await person.Ok("get", deployment, "--json"), BusJson.Default.DeploymentStatus)!.Workloads.Single(w => w.Name == workload);

    /// <summary>Waits until a workload has that reason, and that state if one is given; returns its status then.</summary>
    public static Task<WorkloadStatus> Reason(Zos person, string deployment, string workload, string reason, TimeSpan deadline, WorkloadState? state = null) =>
        Eventually.Get($"{deployment}/{workload} {state} with reason {reason}", deadline, async () =>
        {
            WorkloadStatus status = await Of(person, deployment, workload);
            return status.Reason == reason && (state is null || status.State == state)
                ? status : throw new InvalidOperationException($"{status.State} {status.Reason} {status.Message}");
        });

    /// <summary>The node's status.</summary>
    public static async Task<NodeStatus> Node(Zos person) =>
        JsonSerializer.Deserialize(await person.Ok("node", "status", "--json"), BusJson.Default.NodeStatus)!;

    /// <summary>The page of the example image, as soon as it comes through a port of this computer.</summary>
    public static async Task Page(int port, TimeSpan deadline, string says = "Served by nginx from a Zmachine")
    {
        using HttpClient http = Client();
        string page = await Eventually.Get($"the page on port {port}", deadline, async () => await http.GetStringAsync(Address(port)));
        Assert.Contains(says, page, StringComparison.Ordinal);
    }

    /// <summary>Nothing answers on a port of this computer.</summary>
    public static async Task NoPage(int port)
    {
        using HttpClient http = Client();
        Exception e = await Assert.ThrowsAnyAsync<Exception>(() => http.GetStringAsync(Address(port)));
        Assert.True(e is HttpRequestException { StatusCode: null } or TaskCanceledException, e.ToString());
    }

    private static HttpClient Client() => new() { Timeout = TimeSpan.FromSeconds(3) };

    private static Uri Address(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
}
