namespace ZeroOS.Contracts.Deployments;

/// <summary>A GET of 127.0.0.1 in the machine, over plain HTTP/1.1.</summary>
public sealed record HttpCheck
{
    /// <summary>The port, 1 to 65535.</summary>
    public required int Port { get; init; }

    /// <summary>Begins with a slash; 1 to 1024 printable ASCII characters, percent-encoded where they must be.</summary>
    public string Path { get; set; } = "/";

    /// <summary>The only status that is well, 100 to 599; any from 200 to 399 if not given.</summary>
    public int? Status { get; init; }
}
