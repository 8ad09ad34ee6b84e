using System.Buffers.Binary;
using System.Threading.Channels;

using ZeroOS.Contracts.Doors;

namespace ZeroOS.Node.Doors;

/// <summary>A message of the node's about one answer.</summary>
internal readonly record struct AnswerPart(DoorMessage Head, byte[] Bytes)
{
    /// <summary>With Begin: the status.</summary>
    public int Status => Bytes.Length >= 2 ? BinaryPrimitives.ReadUInt16LittleEndian(Bytes) : 500;
}

/// <summary>The parts of one answer that have come and not left; the link's window bounds them.</summary>
internal sealed class PendingAnswer
{
    private readonly Channel<AnswerPart> _parts = Channel.CreateUnbounded<AnswerPart>(new UnboundedChannelOptions { SingleReader = true });

    public void Add(AnswerPart part) => _parts.Writer.TryWrite(part);

    public ValueTask<AnswerPart> NextAsync(CancellationToken cancellation) => _parts.Reader.ReadAsync(cancellation);
}
