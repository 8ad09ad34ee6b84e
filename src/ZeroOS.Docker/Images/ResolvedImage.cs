using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Docker.Images;

/// <summary>An image that a node can run.</summary>
/// <param name="Flist">What the deployment names.</param>
/// <param name="Image">The image's own words: "config" of it is what a container inherits.</param>
/// <param name="StoredBytes">Bytes as stored.</param>
internal sealed record ResolvedImage(FlistReference Flist, JsonObject Image, long StoredBytes)
{
    /// <summary>The same for the same image, always: clients make a container anew when it is another.</summary>
    public string Id => Flist.Digest;
}
