using System.Text;

using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>An image of three words.</summary>
internal sealed class FakeImage : IImage
{
    private readonly List<SeqPacketSocket> _all = [];

    public SeqPacketSocket? Served { get; private set; }

    public int Times { get; private set; }

    public string Digest => "sha256:0";

    public ImageConfig Config { get; } = new();

    public long BytesFetched => 0;

    public long BytesTotal => 0;

    public long BytesCounted => 0;

    public (string Reason, string Message)? Trouble => null;

    public static FileDescriptor File(string text)
    {
        FileDescriptor file = FileDescriptor.Memory(text);
        file.Write(Encoding.UTF8.GetBytes(text));
        return file;
    }

    public (FileDescriptor Device, FileDescriptor Index, FileDescriptor Verified) OpenForMonitor() => (File("device"), File("index"), File("verified"));

    public void Serve(SeqPacketSocket nodeEnd)
    {
        Served = nodeEnd;
        Times++;
        lock (_all)
            _all.Add(nodeEnd);
    }

    /// <summary>Closes all sockets that it was to serve.</summary>
    public void Close()
    {
        lock (_all)
            _all.ForEach(s => s.Dispose());
    }

    public void WorkloadRuns()
    {
    }

    public void Allow()
    {
    }

    public void Dispose()
    {
    }
}
