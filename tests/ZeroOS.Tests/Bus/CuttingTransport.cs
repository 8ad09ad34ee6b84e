using System.Runtime.CompilerServices;

using ZeroOS.Bus.Client;

namespace ZeroOS.Tests.Bus;

/// <summary>Cuts every stream off before its end, and reaches nobody for so many dials behind each cut.</summary>
internal sealed class CuttingTransport(IBusTransport through, int away = 0) : IBusTransport
{
    private int _away;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (_away-- > 0)
            throw new BusTransportException("cannot be reached");
        ReadOnlyMemory<byte>? last = null;
        int pieces = 0;
        await foreach (ReadOnlyMemory<byte> line in through.SendAsync(envelope, cancellation))
        {
            if (last is { } before)
                yield return before;
            (last, pieces) = (line, pieces + 1);
        }
        if (pieces == 1)
            yield return last!.Value;
        else
            _away = away;
    }
}
