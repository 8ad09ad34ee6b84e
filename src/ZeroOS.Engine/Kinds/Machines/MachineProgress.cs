using ZeroOS.Contracts.Deployments;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>What the node has in hand of one machine in this life of the process.</summary>
internal sealed class MachineProgress
{
    /// <summary>A monitor runs.</summary>
    public bool Running { get; set; }

    /// <summary>It ended while the node was away and the event that says how is on its way: nothing is done about it before.</summary>
    public bool Ending { get; set; }

    /// <summary>The health that was told last as an event; null: not known in this life of the process.</summary>
    public HealthState? ToldHealth { get; set; }

    /// <summary>Its chunk requests are being served.</summary>
    public bool Served { get; set; }

    /// <summary>Failures in a row to take its cards away.</summary>
    public int DetachAttempt { get; set; }

    /// <summary>Not tried before.</summary>
    public DateTimeOffset? DetachRetry { get; set; }

    /// <summary>Since when it waits to be forgotten, because its output is being read.</summary>
    public DateTimeOffset? LeftSince { get; set; }

    /// <summary>The image being made ready, or ready.</summary>
    public Task<IImage>? Image { get; set; }

    /// <summary>Of which digest.</summary>
    public string ImageDigest { get; set; } = "";

    /// <summary>Ends the making ready.</summary>
    public CancellationTokenSource? Cancel { get; set; }

    /// <summary>The image is not wanted any more.</summary>
    public void DropImage()
    {
        Cancel?.Cancel();
        Cancel?.Dispose();
        _ = Image?.ContinueWith(static ready => ready.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion,
            TaskScheduler.Default);
        (Cancel, Image, ImageDigest) = (null, null, "");
    }
}
