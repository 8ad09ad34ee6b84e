using System.Diagnostics.CodeAnalysis;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// As its base, for a session whose channels the client opens: an inbox for each, from its begin until the session has closed it. There are no more than the
/// protocol lets a client open, and one that waits to be looked at is a few bytes. Thread-safe.
/// </summary>
internal sealed class ForwardOrders : SessionOrders
{
    private readonly Dictionary<uint, ForwardInbox> _inboxes = [];
    private readonly Queue<ForwardInbox> _begun = [];

    /// <inheritdoc/>
    public override void Take(in SessionFrame frame)
    {
        if (frame.Channel == SessionFrame.SessionChannel)
        {
            base.Take(frame);
            return;
        }
        if (frame.Type == SessionFrameType.Begin)
        {
            ushort port = ForwardBeginReader.TryReadPort(frame.Body, out string refusal);
            Add(new ForwardInbox(frame.Channel, port, refusal));
        }
        else
        {
            Find(frame.Channel)?.Take(frame);
        }
        Wake();
    }

    /// <summary>Takes a channel that the client has begun and nobody has looked at; false when there is none.</summary>
    internal bool TryTakeBegun([NotNullWhen(true)] out ForwardInbox? inbox)
    {
        lock (Sync)
            return _begun.TryDequeue(out inbox);
    }

    /// <summary>The session has closed the channel: nothing more comes on it.</summary>
    internal void Forget(uint channel)
    {
        lock (Sync)
            _inboxes.Remove(channel);
    }

    private void Add(ForwardInbox inbox)
    {
        lock (Sync)
        {
            _inboxes.Add(inbox.Channel, inbox);
            _begun.Enqueue(inbox);
        }
    }

    private ForwardInbox? Find(uint channel)
    {
        lock (Sync)
            return _inboxes.GetValueOrDefault(channel);
    }
}
