using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;

namespace ZeroOS.Bus.Serving;

/// <summary>Who asks. A handler that changes something commits (<see cref="Sender"/>, <see cref="MessageId"/>, <see cref="RememberUntil"/>) to the replay store
/// in the same transaction as its effect.</summary>
public sealed record RequestContext
{
    private Action? _afterSent;

    /// <summary>The proven sender.</summary>
    public required KeyId Sender { get; init; }

    /// <summary>What the sender is here.</summary>
    public required Roles Roles { get; init; }

    /// <summary>The epoch the request named, which was the node's when it was admitted; null for node.info.</summary>
    public string? Epoch { get; init; }

    /// <summary>The request's id.</summary>
    public required Guid MessageId { get; init; }

    /// <summary>Until when, on the gate's clock, the id must not be forgotten.</summary>
    public required DateTimeOffset RememberUntil { get; init; }

    /// <summary>The sender's key id as text: the tenant's name everywhere on the node.</summary>
    public string Tenant => Sender.Text;

    /// <summary>
    /// Runs <paramref name="action"/> once the whole answer has been sent, or could not be: for what ends the connection that the answer goes through, as a
    /// restart does. It runs whether or not anybody is left to hear the answer, and not at all when the handler refuses. It must not throw.
    /// </summary>
    public void AfterSent(Action action) => _afterSent += action;

    /// <summary>The sender is an owner of this node.</summary>
    public bool IsOwner => (Roles & Roles.Owner) != 0;

    internal void Forget() => _afterSent = null;

    internal void Sent() => _afterSent?.Invoke();
}
