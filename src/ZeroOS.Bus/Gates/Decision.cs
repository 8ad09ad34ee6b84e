using ZeroOS.Bus.Messages;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Gates;

/// <summary>What the gate decided about one envelope.</summary>
public sealed class Decision
{
    private Decision(int bareStatus, Message? request = null, BusError? error = null) => (BareStatus, Request, Error) = (bareStatus, request, error);

    /// <summary>HTTP status of a refusal that says nothing else (400, 413, 429), or 0: nobody proved who they are.</summary>
    public int BareStatus { get; }

    /// <summary>The request; null only with a <see cref="BareStatus"/>.</summary>
    public Message? Request { get; }

    /// <summary>The refusal to sign, or null when admitted.</summary>
    public BusError? Error { get; }

    /// <summary>Answers go under the seal of <see cref="Message.ReplyKey"/>.</summary>
    public bool SealReply { get; private init; }

    /// <summary>What the sender is here.</summary>
    public Roles Roles { get; private init; }

    /// <summary>The decoded body, of the type the command's route names.</summary>
    public object? Body { get; private init; }

    /// <summary>Until when the replay store keeps the request's id.</summary>
    public DateTimeOffset RememberUntil { get; private init; }

    /// <summary>The sender has a role and the message is new, so nobody else can have sent it: it may use what is kept for its sender.</summary>
    public bool Proven { get; private init; }

    /// <summary>The envelope has not the form or the signature that a door is there to check.</summary>
    public bool IsForged { get; private init; }

    /// <summary>The command may run.</summary>
    public bool Admitted => BareStatus == 0 && Error is null;

    internal static Decision Bare(int status) => new(status);

    internal static Decision Forged(int status) => new(status) { IsForged = true };

    internal static Decision Refused(Message request, string code, string message, bool retryable = false) =>
        new(0, request, new BusError { Code = code, Message = message, Retryable = retryable });

    internal static Decision RefusedSealed(Message request, BusError error, Roles roles) =>
        new(0, request, error) { SealReply = true, Roles = roles, Proven = true };

    internal static Decision Public(Message request, object body, Roles roles, bool proven) => new(0, request) { Roles = roles, Body = body, Proven = proven };

    internal static Decision Sealed(Message request, object body, Roles roles, DateTimeOffset until) =>
        new(0, request) { SealReply = true, Roles = roles, Body = body, RememberUntil = until, Proven = true };
}
