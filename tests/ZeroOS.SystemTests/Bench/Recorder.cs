using System.Runtime.CompilerServices;

using ZeroOS.Bus.Client;

namespace ZeroOS.SystemTests.Bench;

/// <summary>A wire somebody listens on: passes envelopes through and keeps them.</summary>
internal sealed class Recorder(IBusTransport wire) : IBusTransport
{
    /// <summary>Every envelope sent, oldest first.</summary>
    public List<byte[]> Sent { get; } = [];

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Sent.Add(envelope.ToArray());
        await foreach (ReadOnlyMemory<byte> line in wire.SendAsync(envelope, cancellation))
            yield return line;
    }
}
