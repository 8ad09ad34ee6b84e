using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Messages;

namespace ZeroOS.Bus.Gates;

/// <summary>What the outer gate found: an HTTP status of refusal, or 0 and who signed.</summary>
public readonly record struct Screening(int Status, string Sender, Roles Roles)
{
    /// <summary>The envelope may go on to <see cref="Gate"/>.</summary>
    public bool Passed => Status == 0;
}

/// <summary>
/// The door's half of the order of costs (docs/bus.md): who may have a message looked at, decided before it is parsed. It knows origins, which
/// <see cref="Gate"/> does not; everything it checks of the bytes, <see cref="Gate"/> checks again. Thread-safe.
/// </summary>
public sealed class OuterGate(IRoles known, StrangerLimits strangers, FailureLimits failures)
{
    /// <summary>
    /// Decides about one envelope. <paramref name="provenSender"/> is the key id whose new message this connection carried before: its owner is not held to
    /// what others of its network spent. Never throws for anything in the bytes.
    /// </summary>
    public Screening Check(ReadOnlySpan<byte> bytes, Origin origin, string? provenSender)
    {
        // Until a token is taken or found there, nothing costs more than a copy of the bytes.
        if (bytes.Length > Gate.MaxBytes)
            return Refuse(Gate.TooLarge);
        if (!EnvelopePeek.TrySender(bytes, out string? sender))
            return Refuse(Gate.BadRequest);
        Roles roles = known.RolesOf(sender);
        if (roles == Roles.None && bytes.Length > Gate.MaxStrangerBytes)
            return Refuse(Gate.TooLarge);
        if (roles == Roles.None ? !strangers.Allow(origin) : sender != provenSender && !failures.Allow(origin))
            return Refuse(Gate.TooMany);
        if (Envelope.TryReadSigned(bytes, Message.PayloadType, sender, out _))
            return new Screening(0, sender, roles);
        failures.Charge(origin, bytes.Length);
        return Refuse(Gate.BadRequest);
    }

    /// <summary>
    /// The inner gate did not find the message new: replayed, stale, for another node. Whoever sends such things pays as for a false signature.
    /// </summary>
    public void NotNew(Origin origin) => failures.Charge(origin, 0);

    private static Screening Refuse(int status) => new(status, "", Roles.None);
}
