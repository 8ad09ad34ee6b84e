namespace ZeroOS.Guest.Setup;

/// <summary>A step of setting up failed for good; becomes a GuestFailure frame. Codes are Docker's: 125 set-up, 126 not executable, 127 not found.</summary>
internal sealed class SetupException(string stage, string message, int code = 125) : Exception(message)
{
    internal string Stage { get; } = stage;

    internal int Code { get; } = code;
}
