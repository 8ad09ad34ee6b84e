using System.Net.Sockets;
using System.Runtime.CompilerServices;

using ZeroOS.Bus.Client;

namespace ZeroOS.Tests.Bus;

/// <summary>Resets so many connections before it lets one through.</summary>
internal sealed class ResettingTransport(IBusTransport through) : IBusTransport
{
    public int Resets { get; set; }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (Resets-- > 0)
            throw new BusTransportException("reset", 0, new HttpRequestException("sent",
                new IOException("read", new SocketException((int)SocketError.ConnectionReset))));
        await foreach (ReadOnlyMemory<byte> line in through.SendAsync(envelope, cancellation))
            yield return line;
    }
}
