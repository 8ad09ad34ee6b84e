using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Host.Fetch;

/// <summary>Where an image's bytes may come from. What they are is decided by digests, not by this.</summary>
internal sealed record FetchSource(string Registry, string Url, bool PlainHttp, string Repository, RegistryCredentials? Credentials)
{
    /// <summary>"registry/repository", for messages; never the credentials.</summary>
    public override string ToString() => $"{Registry}/{Repository}";
}
