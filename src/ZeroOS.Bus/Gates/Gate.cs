using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Gates;

/// <summary>The one way in. Every way a message can be refused is visible here, in the order it is tried (docs/bus.md). Thread-safe.</summary>
public sealed class Gate(KeyId self, IAuthority authority, ICommandTable commands, EpochClock clock, ISeen seen, StrangerLimits strangers, SealingKeys sealing)
{
    /// <summary>Bytes of an envelope at most.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>Bytes of a stranger's envelope at most.</summary>
    public const int MaxStrangerBytes = 4096;

    /// <summary>Longest window a message may ask for.</summary>
    public static readonly TimeSpan MaxWindow = TimeSpan.FromMinutes(5);

    /// <summary>How far a sender's idea of the node's time may be off.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    private const int BadRequest = 400;
    private const int TooLarge = 413;
    private const int TooMany = 429;

    /// <summary>What was decided so far.</summary>
    public GateCounters Counters { get; } = new();

    /// <summary>Decides about one envelope. Never throws for anything in the bytes.</summary>
    public Admission Admit(ReadOnlySpan<byte> bytes, Origin origin)
    {
        Admission admission = Decide(bytes, origin);
        Counters.Count(admission);
        return admission;
    }

    private Admission Decide(ReadOnlySpan<byte> bytes, Origin origin)
    {
        if (bytes.Length > MaxBytes)
            return Admission.Bare(TooLarge);
        if (!Envelope.TryRead(bytes, out Envelope? envelope) || envelope.PayloadType != Message.PayloadType)
            return Admission.Bare(BadRequest);
        Roles roles = authority.RolesOf(envelope.Sender);
        if (roles == Roles.None && bytes.Length > MaxStrangerBytes)
            return Admission.Bare(TooLarge);
        if (roles == Roles.None && !strangers.Allow(origin))
            return Admission.Bare(TooMany);
        if (!envelope.EverySignatureVerifies())
            return Admission.Bare(BadRequest);
        if (!Message.TryRead(envelope, out Message? message) || message.Kind != MessageKind.Request)
            return Admission.Bare(BadRequest);

        // From here on the sender is known: refusals are signed and say why.
        bool isInfo = message.Command == Commands.NodeInfo;
        if (message.To != self.Text && !(isInfo && message.To == Message.Anyone))
            return Admission.Refused(message, ErrorCodes.WrongRecipient, $"this node is {self}, the message is for {message.To}");

        (string epoch, DateTimeOffset now) = clock.Read();
        if (!isInfo && message.Epoch != epoch)
            return Admission.Refused(message, ErrorCodes.Stale, "the node has begun another epoch since; take the new one from node.info and send again", retryable: true);
        if (!isInfo && !InWindow(message, now))
            return Admission.Refused(message, ErrorCodes.Expired, $"outside its window: the node's time is {now:yyyy-MM-dd'T'HH:mm:ss'Z'}, and a window is at most 5 minutes");

        if (commands.Find(message.Command) is not ICommand command)
            return Admission.Refused(message, commands.Unknown.Code, commands.Unknown.Message);
        if (command.Allowed != Roles.Anyone && (command.Allowed & roles) == 0)
            return Admission.Refused(message, ErrorCodes.Denied, Why(command.Allowed));

        if (isInfo)
            return Open(message, command, roles);
        DateTimeOffset until = message.Expires + Skew;
        return seen.Remember(message.From, message.Id, until, now) switch
        {
            SeenAnswer.Replayed => Admission.Refused(message, ErrorCodes.Replayed, "this message was here before"),
            SeenAnswer.Full => Admission.Refused(message, ErrorCodes.Busy, $"{ISeen.MaxPerKey} messages of this key are still alive; wait some minutes", retryable: true),
            _ => Unseal(message, command, roles, until),
        };
    }

    /// <summary>node.info changes nothing, is remembered nowhere, and is how one learns the epoch and the sealing key: so it is in clear.</summary>
    private static Admission Open(Message message, ICommand command, Roles roles)
    {
        if (message.Sealed is not null)
            return Admission.Refused(message, ErrorCodes.Malformed, "node.info is asked in clear");
        try
        {
            return Admission.Public(message, command.Decode(message.Body), roles);
        }
        catch (BusErrorException e)
        {
            return Admission.Refused(message, e.Error.Code, e.Error.Message);
        }
    }

    private Admission Unseal(Message message, ICommand command, Roles roles, DateTimeOffset until)
    {
        if (message.Sealed is null || message.ReplyKey is null)
            return Admission.Refused(message, ErrorCodes.Malformed, "the body must be sealed to the node and name a reply key");
        if (Crypto.TrySeal(Convert.FromBase64String(message.ReplyKey), []) is null)
            return Admission.Refused(message, ErrorCodes.Malformed, "nothing can be sealed to that reply key");
        if (sealing.TryOpen(message.Sealed) is not byte[] plain)
            return Admission.Refused(message, ErrorCodes.Malformed, "not sealed to a key this node has; take the present one from node.info");
        if (!message.TryUnseal(plain, out Message? opened))
            return Admission.Refused(message, ErrorCodes.Malformed, "what is sealed is not what is signed");
        try
        {
            return Admission.Sealed(opened, command.Decode(opened.Body), roles, until);
        }
        catch (BusErrorException e)
        {
            return Admission.RefusedSealed(opened, e.Error, roles);
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
