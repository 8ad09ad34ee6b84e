namespace ZeroOS.Linux;

/// <summary>How a child ended: by itself with a code, or by a signal (then <paramref name="Code"/> is 0).</summary>
public readonly record struct ProcessExit(int Pid, int Code, int Signal)
{
    /// <summary>"exit 3" or "signal 9", for people.</summary>
    public override string ToString() => Signal == 0 ? $"exit {Code}" : $"signal {Signal}";
}
