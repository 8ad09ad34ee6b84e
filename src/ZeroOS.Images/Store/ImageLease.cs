using ZeroOS.Images.Fetch;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Images.Store;

/// <summary>What one machine has of an image: its tenant's use of it, and the place that the tenant named. The image itself is shared.</summary>
internal sealed class ImageLease(Image image, FetchSource source, ImageUse use, ChunkSocketLoop sockets) : IImage
{
    private readonly Lock _gate = new();
    private bool _allowed, _disposed;

    /// <inheritdoc/>
    public string Digest => image.Digest;

    /// <inheritdoc/>
    public ImageConfig Config => image.ReadConfig();

    /// <inheritdoc/>
    public long BytesFetched => image.BytesFetched;

    /// <inheritdoc/>
    public long BytesTotal => image.BytesTotal;

    /// <inheritdoc/>
    public long BytesCounted => image.BytesCounted;

    /// <inheritdoc/>
    public (string Reason, string Message)? Trouble => image.Trouble;

    /// <inheritdoc/>
    public void Allow()
    {
        lock (_gate)
        {
            if (_allowed || _disposed)
                return;
            _allowed = true;
            image.Sources.Add(source);
        }
        image.Allow();
    }

    /// <inheritdoc/>
    public (FileDescriptor Device, FileDescriptor Index, FileDescriptor Verified) OpenForMonitor() => image.OpenForMonitor();

    /// <summary>Returns at once; requests are served on the thread of all chunk sockets. Takes the socket, which uses the image until it ends.</summary>
    public void Serve(SeqPacketSocket nodeEnd) => sockets.Add(nodeEnd, image, source, use.Again());

    /// <inheritdoc/>
    public void WorkloadRuns() => image.WorkloadRuns();

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_allowed)
                image.Sources.Remove(source);
        }
        use.Dispose();
    }
}
