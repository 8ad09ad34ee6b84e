using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Images.Fetch;

/// <summary>
/// Where an image's bytes may come from. What they are is decided by digests, not by this. <paramref name="Owner"/> is the tenant on whose account they are
/// fetched, or empty for the node itself.
/// </summary>
internal sealed record FetchSource(string Registry, string Url, bool PlainHttp, string Repository, RegistryCredentials? Credentials, string Owner = "")
{
    /// <summary>"registry/repository", for messages; never the credentials.</summary>
    public override string ToString() => $"{Registry}/{Repository}";
}
