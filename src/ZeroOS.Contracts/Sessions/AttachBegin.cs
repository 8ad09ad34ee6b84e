namespace ZeroOS.Contracts.Sessions;

/// <summary>
/// How a session of kind attach joins the workload: the body of its begin, written by the tenant and read by zguest; nobody in between looks at it.
/// </summary>
public sealed record AttachBegin
{
    /// <summary>What the program has written since its start comes first, as far as the machine has it; otherwise only what it writes from now on.</summary>
    public bool FromStart { get; init; }
}

/// <summary>What a session of kind attach has joined: all that comes on its channel 0.</summary>
public sealed record AttachedProgram
{
    /// <summary>Bytes of it as JSON at most.</summary>
    public const int MaxBytes = 1024;

    /// <summary>Its input, output and errors are one terminal, whose output is on channel 1.</summary>
    public bool Tty { get; init; }

    /// <summary>It has an input; otherwise what the client sends goes nowhere.</summary>
    public bool Stdin { get; init; }

    /// <summary>Bytes of output before what comes here.</summary>
    public long Skipped { get; init; }
}
