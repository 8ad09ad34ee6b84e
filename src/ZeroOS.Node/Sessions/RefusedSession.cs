using System.Net.Sockets;

namespace ZeroOS.Node.Sessions;

/// <summary>No session, and why.</summary>
internal sealed class RefusedSession(byte[] answer) : PreparedSession
{
    /// <inheritdoc/>
    public override bool IsOpen => false;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Answer => answer;

    /// <inheritdoc/>
    public override void Run(Socket connection) => connection.Dispose();

    /// <inheritdoc/>
    public override void Dispose()
    {
    }
}
