using ZeroOS.Contracts.Bus;

namespace ZeroOS.Engine.Admission;

/// <summary>The refusals of the engine's handlers, so that each reads as one word where it happens.</summary>
internal static class Refuse
{
    /// <summary>A field is wrong; <paramref name="path"/> is its exact place, "workloads[2].data.cpu".</summary>
    public static BusErrorException Invalid(string path, string message) => new(ErrorCodes.Invalid, message, path);

    /// <summary>Does not fit the present state.</summary>
    public static BusErrorException Conflict(string message, string? path = null, bool retryable = false) => new(ErrorCodes.Conflict, message, path, retryable);

    /// <summary>More than the grant or the node has.</summary>
    public static BusErrorException OverCapacity(string message) => new(ErrorCodes.OverCapacity, message);

    /// <summary>No such thing of the sender's.</summary>
    public static BusErrorException NotFound(string message, string? path = null) => new(ErrorCodes.NotFound, message, path);

    /// <summary>Not allowed.</summary>
    public static BusErrorException Denied(string message) => new(ErrorCodes.Denied, message);
}
