using System.Net.Sockets;
using System.Runtime.CompilerServices;

using ZeroOS.Bus.Client;

namespace ZeroOS.Siege.Attackers;

/// <summary>Asks what it has to by an honest transport, sends its last question on a socket of its own and never reads the answer.</summary>
internal sealed class DeafTransport(Socket socket, Target target) : IBusTransport
{
    private int _asked;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (_asked++ == 0)
        {
            using HttpTransport honest = target.NewTransport();
            await foreach (ReadOnlyMemory<byte> line in honest.SendAsync(envelope, cancellation))
                yield return line;
            yield break;
        }
        await socket.SendAsync(Target.Head(envelope.Length), cancellation);
        await socket.SendAsync(envelope, cancellation);
    }
}
