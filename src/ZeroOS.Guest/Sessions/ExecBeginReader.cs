using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>Reads what an exec session is to run.</summary>
internal static class ExecBeginReader
{
    /// <summary>As <see cref="BeginReader.TryRead"/>.</summary>
    internal static ExecBegin? TryRead(ReadOnlySpan<byte> body, out string refusal) =>
        BeginReader.TryRead(body, SessionJson.Default.ExecBegin, Refusal, out refusal);

    private static string? Refusal(ExecBegin begin)
    {
        if (begin.Arguments.Count == 0 || string.IsNullOrEmpty(begin.Arguments[0]))
            return "there is no program to run";
        if (begin.Arguments.Any(a => !IsText(a)))
            return "an argument has a zero byte, or is none";
        foreach (string variable in begin.Environment)
        {
            if (!IsText(variable) || variable.IndexOf('=', StringComparison.Ordinal) <= 0)
                return "a variable of the environment is not NAME=value";
        }
        if (begin.User is { } user && !IsText(user))
            return "the user has a zero byte";
        if (begin.WorkingDirectory is { } directory && (!IsText(directory) || !directory.StartsWith('/')))
            return "the working directory is not an absolute path";
        return null;
    }

    // A list of strings may hold a null all the same.
    private static bool IsText(string? text) => text is not null && !text.Contains('\0', StringComparison.Ordinal);
}
