using System.Text;

using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Guest.Health;

/// <summary>What a probe found: an exit code, 0 for well, and what it said, no more than is kept of it.</summary>
internal sealed record ProbeOutcome(int ExitCode, byte[] Output)
{
    /// <summary>The code of a probe that took too long, or that could not run.</summary>
    internal const int NoAnswer = -1;

    /// <summary>A sentence, and then what was heard.</summary>
    internal static ProbeOutcome Say(int exitCode, string sentence, ReadOnlySpan<byte> heard = default)
    {
        byte[] output = [.. Encoding.UTF8.GetBytes(sentence), .. heard];
        return new ProbeOutcome(exitCode, output.Length <= HealthLimits.OutputBytes ? output : output[..HealthLimits.OutputBytes]);
    }
}
