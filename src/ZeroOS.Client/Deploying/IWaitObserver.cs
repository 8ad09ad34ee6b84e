using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Client.Deploying;

/// <summary>Hears what happens while somebody waits for a deployment.</summary>
public interface IWaitObserver
{
    /// <summary>How a workload is now: after each change of the deployment, perhaps the same as before.</summary>
    void Changed(WorkloadStatus workload);

    /// <summary>How much of a machine's image is on the node, at most once a second.</summary>
    void Fetching(string machine, long doneBytes, long totalBytes);
}
