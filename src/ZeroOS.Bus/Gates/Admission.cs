using ZeroOS.Bus.Messages;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Gates;

/// <summary>What the gate decided about one envelope.</summary>
public sealed class Admission
{
    private Admission(int bareStatus, Message? request, BusError? error, bool sealReply, Roles roles, object? body, DateTimeOffset rememberUntil) =>
        (BareStatus, Request, Error, SealReply, Roles, Body, RememberUntil) = (bareStatus, request, error, sealReply, roles, body, rememberUntil);

    /// <summary>HTTP status of a refusal that says nothing else (400, 413, 429), or 0: nobody proved who they are.</summary>
    public int BareStatus { get; }

    /// <summary>The request; null only with a <see cref="BareStatus"/>.</summary>
    public Message? Request { get; }

    /// <summary>The refusal to sign, or null when admitted.</summary>
    public BusError? Error { get; }

    /// <summary>Answers go under the seal of <see cref="Message.ReplyKey"/>.</summary>
    public bool SealReply { get; }

    /// <summary>What the sender is here.</summary>
    public Roles Roles { get; }

    /// <summary>The decoded body, of the type the command's route names.</summary>
    public object? Body { get; }

    /// <summary>Until when the replay store keeps the request's id.</summary>
    public DateTimeOffset RememberUntil { get; }

    /// <summary>The command may run.</summary>
    public bool Admitted => BareStatus == 0 && Error is null;

    internal static Admission Bare(int status) => new(status, null, null, false, Roles.None, null, default);

    internal static Admission Refused(Message request, string code, string message, bool retryable = false) =>
        new(0, request, new BusError { Code = code, Message = message, Retryable = retryable }, false, Roles.None, null, default);

    internal static Admission RefusedSealed(Message request, BusError error, Roles roles) => new(0, request, error, true, roles, null, default);

    internal static Admission Public(Message request, object body, Roles roles) => new(0, request, null, false, roles, body, default);

    internal static Admission Sealed(Message request, object body, Roles roles, DateTimeOffset until) => new(0, request, null, true, roles, body, until);
}
