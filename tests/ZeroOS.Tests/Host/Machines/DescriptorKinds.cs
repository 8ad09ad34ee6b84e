using ZeroOS.Linux;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>Kinds of descriptors that a monitor which was taken over could hand over.</summary>
internal static class DescriptorKinds
{
    public static readonly string[] All = ["file", "pipe", "seqpacket", "event", "directory", "stream"];

    /// <summary>Makes one; what is at its other end is closed.</summary>
    public static FileDescriptor Make(string kind)
    {
        switch (kind)
        {
            case "file":
                return FileDescriptor.Memory("file");
            case "pipe":
                return Pipe.Ended();
            case "seqpacket":
                (SeqPacketSocket one, SeqPacketSocket other) = SeqPacketSocket.Pair();
                other.Dispose();
                return one.Descriptor;
            case "stream":
                (StreamSocket stream, StreamSocket end) = StreamSocket.Pair();
                end.Dispose();
                return stream.Descriptor;
            case "event":
                return new EventFd().Descriptor;
            default:
                return FileDescriptor.Open("/", OpenFlags.ReadOnly | OpenFlags.Directory);
        }
    }
}
