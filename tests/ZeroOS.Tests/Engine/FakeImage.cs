using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine;

internal sealed class FakeImage(string digest, ImageConfig? config = null) : IImage
{
    public string Digest => digest;

    public ImageConfig Config { get; } = config ?? new ImageConfig { Entrypoint = ["/bin/app"] };

    public long BytesFetched { get; set; } = 1 << 20;

    public long BytesTotal { get; init; } = 4 << 20;

    public long BytesCounted { get; init; } = 4 << 20;

    /// <summary>How often its bytes were allowed to be fetched.</summary>
    public int Allowed { get; private set; }

    public int TimesTold { get; private set; }

    public (string Reason, string Message)? Trouble { get; set; }

    public (FileDescriptor Device, FileDescriptor Index, FileDescriptor Verified) OpenForMonitor() => throw new NotSupportedException();

    public void Serve(SeqPacketSocket nodeEnd) => throw new NotSupportedException();

    public void WorkloadRuns() => TimesTold++;

    public void Allow() => Allowed++;

    public void Dispose()
    {
    }
}
