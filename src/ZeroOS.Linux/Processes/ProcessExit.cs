namespace ZeroOS.Linux;

/// <summary>How a child ended: by itself with a code, or by a signal (then <paramref name="Code"/> is 0).</summary>
public readonly record struct ProcessExit(int Pid, int Code, int Signal)
{
    /// <summary>As a shell says it: the code, or 128 and the signal.</summary>
    public int ShellCode => Signal == 0 ? Code : 128 + Signal;

    /// <summary>"exit 3" or "signal 9", for people.</summary>
    public override string ToString() => Signal == 0 ? $"exit {Code}" : $"signal {Signal}";
}
