using ZeroOS.Host.Fetch;

namespace ZeroOS.Host.Images;

/// <summary>What all images of a store share.</summary>
internal sealed record ImageServices(FetchConnection Fetch, ChunkSocketLoop Sockets, ImageStoreOptions Options, SemaphoreSlim FillGate, Action<string> Log, CancellationToken Stop);
