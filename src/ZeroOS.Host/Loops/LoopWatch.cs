using ZeroOS.Linux;

namespace ZeroOS.Host.Loops;

/// <summary>One descriptor in a <see cref="ClientLoop"/>, and the client it belongs to. Made and changed by the loop only.</summary>
internal sealed class LoopWatch(ILoopClient client, FileDescriptor descriptor, ulong token)
{
    /// <summary>Whom the loop calls.</summary>
    public ILoopClient Client { get; } = client;

    /// <summary>What is watched; the client owns it, and removes the watch before it closes it.</summary>
    public FileDescriptor Descriptor { get; } = descriptor;

    /// <summary>The number under which epoll reports it; never used again.</summary>
    public ulong Token { get; } = token;

    /// <summary>
    /// What it is watched for. <see cref="Readiness.None"/>: it is not in the epoll set, because a set reports a hang-up whatever was asked for.
    /// </summary>
    public Readiness Interest { get; internal set; }
}
