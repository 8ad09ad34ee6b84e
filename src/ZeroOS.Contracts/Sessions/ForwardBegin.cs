namespace ZeroOS.Contracts.Sessions;

/// <summary>Begins a session of kind forward: there is nothing to say yet. Each connection begins by a <see cref="ForwardBegin"/>.</summary>
public sealed record ForwardSessionBegin;

/// <summary>Begins a channel of a session of kind forward, which is one TCP connection to a program that listens in the machine.</summary>
public sealed record ForwardBegin
{
    /// <summary>Bytes of its JSON at most; longer ones are not read.</summary>
    public const int MaxBytes = 256;

    /// <summary>The port on the machine's own loopback, 127.0.0.1 or else ::1; 1 to 65535.</summary>
    public required int Port { get; init; }
}
