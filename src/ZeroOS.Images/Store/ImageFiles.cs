using System.Security.Cryptography;
using System.Text;

using ZeroOS.Flist;

namespace ZeroOS.Images.Store;

/// <summary>Where the files of one image are. <paramref name="Scope"/> is "" for images open to all, else the tenant's folder.</summary>
internal sealed record ImageFiles(string ImagesDirectory, string RunDirectory, string Scope, Sha256Digest Digest)
{
    /// <summary>The folder of one tenant's own images, or what is written down of who brought one; never the tenant's name.</summary>
    public static string FolderOf(string tenant) => "tenant-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tenant)).AsSpan(0, 16));

    /// <summary>The image's own directory.</summary>
    public string Directory => Path.Combine(ImagesDirectory, Scope, Digest.Hex);

    /// <summary>The manifest's bytes.</summary>
    public string Manifest => Path.Combine(Directory, "manifest");

    /// <summary>The OCI config's bytes.</summary>
    public string Config => Path.Combine(Directory, "config");

    /// <summary>The index's bytes.</summary>
    public string Index => Path.Combine(Directory, "index");

    /// <summary>The sparse file of the whole device.</summary>
    public string Device => Path.Combine(Directory, "device");

    /// <summary>The hint of what is on the disk.</summary>
    public string Present => Path.Combine(Directory, "present");

    /// <summary>The folder name of the tenant that brought the image.</summary>
    public string BroughtBy => Path.Combine(Directory, "tenant");

    /// <summary>The bitmap that monitors map; in a file system that does not outlive a boot.</summary>
    public string Verified => Path.Combine(RunDirectory, $"{(Scope.Length == 0 ? "" : Scope + "-")}{Digest.Hex}.verified");
}
