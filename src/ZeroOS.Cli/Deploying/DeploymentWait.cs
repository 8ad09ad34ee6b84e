using System.Globalization;

using ZeroOS.Bus.Client;
using ZeroOS.Cli.Output;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Deploying;

/// <summary>Waits until everything of a deployment runs, and says what happens meanwhile, each thing once.</summary>
internal static class DeploymentWait
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Returns when every workload is running or has exited.</summary>
    /// <exception cref="CliException">One failed for good.</exception>
    public static async Task<DeploymentStatus> UntilRunningAsync(BusClient client, string name, Terminal terminal, bool quiet, CancellationToken cancellation)
    {
        Dictionary<string, string> said = new(StringComparer.Ordinal);
        using ProgressLine progress = new(terminal, TimeProvider.System);
        while (true)
        {
            DeploymentStatus status = await client.CallAsync(Commands.DeploymentGet, new DeploymentName { Name = name }, cancellation);
            foreach (WorkloadStatus workload in status.Workloads)
            {
                string line = Describe(workload);
                if (!quiet && said.GetValueOrDefault(workload.Name) != line)
                    terminal.Error.WriteLine($"{Terminal.Clean(workload.Name)}: {line}");
                said[workload.Name] = line;
            }
            if (status.Workloads.FirstOrDefault(w => w.State == WorkloadState.Failed) is WorkloadStatus failed)
                throw new CliException($"{name}/{failed.Name} failed: {failed.Message ?? failed.Reason ?? "the node says no reason"}; zos get {name} shows everything");
            if (status.Workloads.All(w => w.State is WorkloadState.Running or WorkloadState.Exited or WorkloadState.Stopped))
                return status;
            progress.Show(string.Join("  ", status.Workloads.Where(w => w.ImageBytesTotal > 0 && w.State == WorkloadState.Preparing)
                .Select(w => string.Create(CultureInfo.InvariantCulture, $"{w.Name}: {w.ImageBytesFetched >> 20} of {w.ImageBytesTotal >> 20} MiB"))));
            await Task.Delay(s_pause, cancellation);
        }
    }

    /// <summary>Waits until a machine whose output has ended is known to have ended, and returns its exit code; null when it has none.</summary>
    public static async Task<int?> UntilEndedAsync(BusClient client, string name, string machine, CancellationToken cancellation)
    {
        while (true)
        {
            DeploymentStatus status = await client.CallAsync(Commands.DeploymentGet, new DeploymentName { Name = name }, cancellation);
            WorkloadStatus? workload = status.Workloads.FirstOrDefault(w => w.Name == machine);
            if (workload is null || workload.State is WorkloadState.Exited or WorkloadState.Stopped or WorkloadState.Failed)
                return workload?.ExitCode;
            await Task.Delay(s_pause, cancellation);
        }
    }

    /// <summary>"backing-off: registry-unreachable, …", cleaned.</summary>
    public static string Describe(WorkloadStatus workload)
    {
        string text = Name(workload.State);
        if (workload.Reason is not null)
            text += $": {workload.Reason}";
        if (workload.Message is not null)
            text += $", {workload.Message}";
        if (workload.State == WorkloadState.Exited && workload.ExitCode is int code)
            text += string.Create(CultureInfo.InvariantCulture, $" with code {code}");
        return Terminal.Clean(text);
    }

    /// <summary>The state's name as the contract has it.</summary>
    public static string Name(WorkloadState state) => state == WorkloadState.BackingOff ? "backing-off" : state.ToString().ToLowerInvariant();
}
