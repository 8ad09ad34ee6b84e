using System.Net.Sockets;

namespace ZeroOS.Node.Sessions;

/// <summary>What became of a request for a session: a signed refusal, or a session that waits for its connection. Dispose of one that is not run.</summary>
internal abstract class PreparedSession : IDisposable
{
    /// <summary>A session was opened: hand its connection to <see cref="Run"/>. Otherwise <see cref="Answer"/> is the refusal.</summary>
    public abstract bool IsOpen { get; }

    /// <summary>The signed envelope of the answer, without the end of its line.</summary>
    public abstract ReadOnlyMemory<byte> Answer { get; }

    /// <summary>
    /// Takes ownership of the asker's connection, answers on it and serves the session. Returns at once; whatever happens on the connection ends this session
    /// and nothing else.
    /// </summary>
    public abstract void Run(Socket connection);

    /// <summary>Gives its place among the sessions back.</summary>
    public abstract void Dispose();
}
