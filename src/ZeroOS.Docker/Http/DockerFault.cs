namespace ZeroOS.Docker.Http;

/// <summary>Why a request is not served: Docker's status code and a sentence, which clients print.</summary>
internal sealed class DockerFault(int status, string message) : Exception(message)
{
    /// <summary>HTTP status.</summary>
    public int Status { get; } = status;

    /// <summary>400: what was asked for is wrong, or cannot be honoured.</summary>
    public static DockerFault Bad(string message) => new(400, message);

    /// <summary>404: there is no such thing.</summary>
    public static DockerFault Missing(string message) => new(404, message);

    /// <summary>409: does not fit how things are.</summary>
    public static DockerFault Conflict(string message) => new(409, message);

    /// <summary>501: Docker has it and it is not here.</summary>
    public static DockerFault NotBuilt(string message) => new(501, message);
}
