using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Nouns;

/// <summary>A row of the table of endpoints.</summary>
/// <param name="Method">"GET".</param>
/// <param name="Pattern">"/containers/{id}/json".</param>
/// <param name="Says">For people: what it does here, or why it does not.</param>
internal sealed record Endpoint(string Method, string Pattern, string Says)
{
    /// <summary>Serves a request.</summary>
    public Func<DockerApi, DockerCall, Task>? Serve { get; init; }

    /// <summary>Serves a request that takes its connection over.</summary>
    public Func<DockerApi, HijackedCall, Task>? Hijack { get; init; }

    /// <summary>Status of the refusal, where it is not served.</summary>
    public int Refusal { get; init; } = 501;

    /// <summary>It is served.</summary>
    public bool IsServed => Serve is not null || Hijack is not null;
}
