namespace ZeroOS.Cli.Sessions;

/// <summary>Why zos stops: one sentence that says what, which, why, and what to do; and the exit code.</summary>
internal sealed class CliException(string message, int exitCode = CliException.Refused) : Exception(message)
{
    /// <summary>Refused or failed.</summary>
    public const int Refused = 1;

    /// <summary>Wrong usage.</summary>
    public const int Usage = 2;

    /// <summary>Ctrl-C, or another signal that asks zos to end.</summary>
    public const int Interrupted = 130;

    /// <summary>The exit code.</summary>
    public int ExitCode { get; } = exitCode;
}
