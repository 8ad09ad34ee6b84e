using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Doors.Http;

/// <summary>The way of every envelope that a connection carried: past the outer gate to the node, and what the node's word means for the connection.</summary>
internal sealed class EnvelopeRelay(OuterGate gate, INodeLink link, ConnectionTable connections, AcceptLimits accepts)
{
    /// <summary>
    /// Passes an envelope on and its answer back: 0, or the status of the outer gate's refusal, and nothing was asked. <paramref name="answer"/> makes the
    /// sink; it is given what the sink calls when the answer begins, with whether the message was proven, and which says whether the connection stays.
    /// <paramref name="lasts"/>: it may carry another request.
    /// </summary>
    /// <exception cref="NodeLostException">The node is gone, has no room, or cut the answer off.</exception>
    public async Task<int> AskAsync(ConnectionPlace place, RequestBody body, bool lasts, Func<Func<bool, bool>, IAnswerSink> answer,
        CancellationToken cancellation)
    {
        Screening sender = gate.Check(body.Bytes.Span, place.Origin, place.Key);
        if (!sender.Passed)
            return sender.Status;
        connections.SetBusy(place, sender.Roles != Roles.None);
        try
        {
            await link.AskAsync(body.Bytes, sender, answer(proven =>
            {
                body.Dispose();     // it has been handed over and decided about; an answer may last for ever
                return Settle(place, sender, proven, lasts);
            }), cancellation);
        }
        finally
        {
            connections.SetBusy(place, false);
        }
        return 0;
    }

    private bool Settle(ConnectionPlace place, Screening sender, bool proven, bool lasts)
    {
        if (proven)
        {
            accepts.Proven(place.Origin, sender.Sender);
            return lasts && connections.TryProve(place, sender.Sender, sender.Roles);
        }
        if (sender.Roles != Roles.None)
            gate.NotNew(place.Origin);
        return place.Key is not null && place.Key == sender.Sender;
    }
}
