using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Gates;

/// <summary>
/// The one way in. Every way a message can be refused is visible here, in the order it is tried (docs/bus.md). It believes no transport: what
/// <see cref="OuterGate"/> looked at is looked at again. <paramref name="strangers"/> bounds what all who prove nothing may have, whatever a transport lets
/// through. Thread-safe.
/// </summary>
public sealed class Gate(KeyId self, IRoles authority, ICommandTable commands, EpochClock clock, IReplayStore replays, RateLimit strangers, SealingKeys sealing)
{
    /// <summary>Bytes of an envelope at most.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>Bytes of a stranger's envelope at most.</summary>
    public const int MaxStrangerBytes = 4096;

    /// <summary>Longest window a message may ask for.</summary>
    public static readonly TimeSpan MaxWindow = TimeSpan.FromMinutes(5);

    /// <summary>How far a sender's idea of the node's time may be off.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    internal const int BadRequest = 400;
    internal const int TooLarge = 413;
    internal const int TooMany = 429;

    /// <summary>What was decided so far.</summary>
    public GateCounters Counters { get; } = new();

    /// <summary>The limit of those who prove nothing: a little more than the door's, so that an honest door never meets it.</summary>
    public static RateLimit NewStrangerLimit(TimeProvider clock) => new(clock, StrangerLimits.TotalPerSecond * 1.25, StrangerLimits.TotalBurst * 1.25);

    /// <summary>Decides about one envelope. Never throws for anything in the bytes.</summary>
    public Decision Admit(ReadOnlySpan<byte> bytes)
    {
        Decision decision = Decide(bytes);
        Counters.Count(decision);
        return decision;
    }

    private Decision Decide(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxBytes)
            return Decision.Forged(TooLarge);
        if (!EnvelopePeek.TrySender(bytes, out string? sender))
            return Decision.Forged(BadRequest);
        Roles roles = authority.RolesOf(sender);
        if (roles == Roles.None && bytes.Length > MaxStrangerBytes)
            return Decision.Bare(TooLarge);
        if (roles == Roles.None && !strangers.TryTake())
            return Decision.Bare(TooMany);
        if (!Envelope.TryReadSigned(bytes, Message.PayloadType, sender, out Envelope? envelope))
            return Decision.Forged(BadRequest);
        if (!Message.TryRead(envelope, out Message? message) || message.Kind != MessageKind.Request)
            return Decision.Bare(BadRequest);

        // From here on the sender is known: refusals are signed and say why.
        bool isInfo = message.Command == Commands.NodeInfo.Name;
        if (message.To != self.Text && !(isInfo && message.To == Message.Anyone))
            return Decision.Refused(message, ErrorCodes.WrongRecipient, $"this node is {self}, the message is for {message.To}");

        (string epoch, DateTimeOffset now) = clock.Read();
        if (!isInfo && message.Epoch != epoch)
            return Decision.Refused(message, ErrorCodes.Stale,
                "the node has begun another epoch since; take the new one from node.info and send again", retryable: true);
        if (!isInfo && !InWindow(message, now))
            return Decision.Refused(message, ErrorCodes.Expired,
                $"outside its window: the node's time is {now:yyyy-MM-dd'T'HH:mm:ss'Z'}, and a window is at most 5 minutes");

        if (commands.Find(message.Command) is not ICommand command)
            return Decision.Refused(message, commands.Unknown.Code, commands.Unknown.Message);
        if (command.Allowed != Roles.Anyone && (command.Allowed & roles) == 0)
            return Decision.Refused(message, ErrorCodes.Denied, Why(command.Allowed));

        if (isInfo)
            return Inform(message, command, roles, now);
        DateTimeOffset until = message.Expires + Skew;
        return replays.Remember(message.From, message.Id, until, now) switch
        {
            ReplayAnswer.Replayed => Decision.Refused(message, ErrorCodes.Replayed, "this message was here before"),
            ReplayAnswer.Full => Decision.Refused(message, ErrorCodes.Busy,
                $"{IReplayStore.MaxPerKey} messages of this key are still alive; wait some minutes", retryable: true),
            _ => Unseal(message, command, roles, until),
        };
    }

    /// <summary>
    /// node.info changes nothing and is how one learns the epoch and the sealing key: so it is in clear, and no window and no replay store keeps anybody from
    /// it. But a recorded one must not take its sender's places: only one that is in its window and new proves that its sender is there, all others are a
    /// stranger's.
    /// </summary>
    private Decision Inform(Message message, ICommand command, Roles roles, DateTimeOffset now)
    {
        if (message.Sealed is not null)
            return Decision.Refused(message, ErrorCodes.Malformed, "node.info is asked in clear");
        bool isNew = roles != Roles.None && InWindow(message, now)
            && replays.Remember(message.From, message.Id, message.Expires + Skew, now) == ReplayAnswer.Fresh;
        if (!isNew && roles != Roles.None && !strangers.TryTake())
            return Decision.Bare(TooMany);
        try
        {
            return Decision.Public(message, command.Decode(message.Body), roles, isNew);
        }
        catch (BusErrorException e)
        {
            return Decision.Refused(message, e.Error.Code, e.Error.Message);
        }
    }

    private Decision Unseal(Message message, ICommand command, Roles roles, DateTimeOffset until)
    {
        if (message.Sealed is null || message.ReplyKey is null)
            return Decision.Refused(message, ErrorCodes.Malformed, "the body must be sealed to the node and name a reply key");
        if (Crypto.TrySeal(Convert.FromBase64String(message.ReplyKey), []) is null)
            return Decision.Refused(message, ErrorCodes.Malformed, "nothing can be sealed to that reply key");
        if (sealing.TryOpen(message.Sealed) is not byte[] plain)
            return Decision.Refused(message, ErrorCodes.Malformed, "not sealed to a key this node has; take the present one from node.info");
        if (!message.TryUnseal(plain, out Message? opened))
            return Decision.Refused(message, ErrorCodes.Malformed, "what is sealed is not what is signed");
        try
        {
            return Decision.Sealed(opened, command.Decode(opened.Body), roles, until);
        }
        catch (BusErrorException e)
        {
            return Decision.RefusedSealed(opened, e.Error, roles);
        }
    }

    private static bool InWindow(Message message, DateTimeOffset now)
    {
        TimeSpan window = message.Expires - message.Issued;
        return window > TimeSpan.Zero && window <= MaxWindow && message.Issued - now <= Skew && now - message.Expires <= Skew;
    }

    private static string Why(Roles allowed) => allowed switch
    {
        Roles.Owner => "only an owner of this node may do that",
        Roles.Tenant => "only a tenant with a grant on this node may do that; ask its owner for one (zos grant put)",
        Roles.Recovery => "only the recovery key of the farm this node belonged to may do that",
        _ => "only an owner or a tenant of this node may do that",
    };
}
