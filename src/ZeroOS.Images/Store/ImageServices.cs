using ZeroOS.Images.Fetch;
using ZeroOS.Linux;

namespace ZeroOS.Images.Store;

/// <summary>What all images of a store share.</summary>
internal sealed record ImageServices(FetchClient Fetch, ChunkSocketLoop Sockets, ImageStoreOptions Options, StorageRoom Room, ILog Log, CancellationToken Stop)
{
    /// <summary>Batches in memory: each has up to 9 MiB of buffers.</summary>
    public FairSlots Batches { get; } = new(total: 12, perOwner: 4, reserved: 4);

    /// <summary>Background fills that go on at once.</summary>
    public FairSlots Fills { get; } = new(total: 4, perOwner: 1, reserved: 1);
}
