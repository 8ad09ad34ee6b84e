using ZeroOS.Images.Fetch;

namespace ZeroOS.Images.Store;

/// <summary>Somebody who waits for chunks of an image: a monitor. The queue knows no more of it.</summary>
internal interface IChunkWaiter
{
    /// <summary>Where its tenant says that the image is.</summary>
    FetchSource Source { get; }

    /// <summary>A chunk it waited for may be read. Called once for each wait, on any thread and outside of the queue's lock; must not throw.</summary>
    void Ready(int chunk);
}
