namespace ZeroOS.Contracts.Deployments;

/// <summary>A connection to 127.0.0.1 in the machine; that it is taken is well.</summary>
public sealed record TcpCheck
{
    /// <summary>The port, 1 to 65535.</summary>
    public required int Port { get; init; }
}
