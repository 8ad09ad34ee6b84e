using System.Runtime.CompilerServices;

using ZeroOS.Bus.Client;

namespace ZeroOS.Tests.Bus;

/// <summary>Straight to a bench's gate and back, without a network.</summary>
internal sealed class GateTransport(GateBench bench) : IBusTransport
{
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (byte[] line in await bench.AnswerAsync(bench.Gate.Admit(envelope.Span)))
            yield return line;
    }
}
