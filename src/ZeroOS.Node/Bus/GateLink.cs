using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;
using ZeroOS.Node.Doors;

namespace ZeroOS.Node.Bus;

/// <summary>A door in the node's own process.</summary>
internal sealed class GateLink(Gate gate, Dispatcher dispatcher, Routes routes) : INodeLink
{
    private static readonly byte[] s_newLine = "\n"u8.ToArray();

    public async Task AskAsync(ReadOnlyMemory<byte> envelope, Screening sender, IAnswerSink answer, CancellationToken cancellation)
    {
        Admission admission = gate.Admit(envelope.Span);
        answer.Begin(admission.BareStatus == 0 ? 200 : admission.BareStatus, admission.Proven);
        if (admission.BareStatus != 0)
            return;
        await dispatcher.AnswerAsync(admission, routes, async (reply, token) => await answer.WriteAsync((byte[])[.. reply.Span, .. s_newLine], token), cancellation);
    }
}
