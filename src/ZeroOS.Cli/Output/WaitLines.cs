using System.Globalization;

using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Output;

/// <summary>Says what happens while somebody waits, each thing once, and how far images are.</summary>
internal sealed class WaitLines(Terminal terminal, bool quiet) : IWaitObserver, IDisposable
{
    private readonly Dictionary<string, string> _said = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _fetching = new(StringComparer.Ordinal);
    private readonly ProgressLine _progress = new(terminal, TimeProvider.System);

    public void Changed(WorkloadStatus workload)
    {
        string line = WorkloadText.Describe(workload);
        if (!quiet && _said.GetValueOrDefault(workload.Name) != line)
            terminal.Error.WriteLine($"{Terminal.Clean(workload.Name)}: {line}");
        _said[workload.Name] = line;
        if (workload.State != WorkloadState.Preparing && _fetching.Remove(workload.Name))
            _progress.Show(string.Join("  ", _fetching.Values));
    }

    public void Fetching(string machine, long doneBytes, long totalBytes)
    {
        _fetching[machine] = string.Create(CultureInfo.InvariantCulture, $"{machine}: {doneBytes >> 20} of {totalBytes >> 20} MiB");
        _progress.Show(string.Join("  ", _fetching.Values));
    }

    public void Dispose() => _progress.Dispose();
}
