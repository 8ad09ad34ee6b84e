using ZeroOS.Bus.Gates;
using ZeroOS.Linux;

namespace ZeroOS.Node.Doors;

/// <summary>Where a door takes what it let through: role node, which believes none of it.</summary>
internal interface INodeLink
{
    /// <summary>
    /// Hands an envelope over and writes the answer, until the node ends it. <see cref="IAnswerSink.Begin"/> is called once, before anything is written. With
    /// an <see cref="ISessionSink"/> the envelope asks for a session.
    /// </summary>
    /// <exception cref="NodeLostException">The node is gone, has no room, or cut the answer off.</exception>
    Task AskAsync(ReadOnlyMemory<byte> envelope, Screening sender, IAnswerSink answer, CancellationToken cancellation);
}

/// <summary>Where one answer goes.</summary>
internal interface IAnswerSink
{
    /// <summary>
    /// The node decided: <paramref name="status"/> 200, or that of a bare refusal. <paramref name="proven"/>: the message was its sender's, and new.
    /// </summary>
    void Begin(int status, bool proven);

    /// <summary>Takes a part of the answer; ends when there is room for the next.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation);
}

/// <summary>Where the answer to a request for a session goes: the node may take over the connection, and answer on it itself.</summary>
internal interface ISessionSink : IAnswerSink
{
    /// <summary>Gives the connection out of hand, after <see cref="IAnswerSink.Begin"/>; the link closes the descriptor once the node has its own.</summary>
    /// <exception cref="IOException">The client has gone, or said something that nobody may read.</exception>
    ValueTask<FileDescriptor> HandOverAsync();
}

/// <summary>The node does not answer.</summary>
internal sealed class NodeLostException(string message) : IOException(message);
