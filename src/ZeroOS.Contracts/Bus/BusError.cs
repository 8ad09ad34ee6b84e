namespace ZeroOS.Contracts.Bus;

/// <summary>Stable error codes of the bus (docs/bus.md).</summary>
public static class ErrorCodes
{
    /// <summary>Not a message.</summary>
    public const string Malformed = "malformed";

    /// <summary>Another epoch.</summary>
    public const string Stale = "stale";

    /// <summary>Outside its window.</summary>
    public const string Expired = "expired";

    /// <summary>Seen before.</summary>
    public const string Replayed = "replayed";

    /// <summary>Meant for another.</summary>
    public const string WrongRecipient = "wrong-recipient";

    /// <summary>Not allowed.</summary>
    public const string Denied = "denied";

    /// <summary>No such command.</summary>
    public const string UnknownCommand = "unknown-command";

    /// <summary>The body is wrong; the path names the field.</summary>
    public const string Invalid = "invalid";

    /// <summary>No such thing of the sender's.</summary>
    public const string NotFound = "not-found";

    /// <summary>Does not fit the present state.</summary>
    public const string Conflict = "conflict";

    /// <summary>More than the grant or the node has.</summary>
    public const string OverCapacity = "over-capacity";

    /// <summary>Too much at once; later.</summary>
    public const string Busy = "busy";

    /// <summary>Cannot now; later.</summary>
    public const string Unavailable = "unavailable";

    /// <summary>A fault of the node.</summary>
    public const string Internal = "internal";
}

/// <summary>What an error answer says.</summary>
public sealed record BusError
{
    /// <summary>One of <see cref="ErrorCodes"/>.</summary>
    public required string Code { get; init; }

    /// <summary>A sentence: what, which, why.</summary>
    public required string Message { get; init; }

    /// <summary>The field, "workloads[2].data.cpu".</summary>
    public string? Path { get; init; }

    /// <summary>Whether the same request may succeed later.</summary>
    public bool Retryable { get; init; }

    /// <summary>A kebab-case word for programs where the code alone does not tell enough: <see cref="AttestationReasons"/>.</summary>
    public string? Reason { get; init; }
}

/// <summary>A request that cannot be served; handlers throw it, the dispatcher answers with it.</summary>
public sealed class BusErrorException(BusError error) : Exception(error.Message)
{
    /// <summary>With the members that most have.</summary>
    public BusErrorException(string code, string message, string? path = null, bool retryable = false)
        : this(new BusError { Code = code, Message = message, Path = path, Retryable = retryable })
    {
    }

    /// <summary>What to answer.</summary>
    public BusError Error { get; } = error;
}
