using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Flist;
using ZeroOS.Tests.Oci.Build;
using ZeroOS.Tests.Oci.Registry;

namespace ZeroOS.Tests.Oci.Pull;

/// <summary>A registry that serves what lies in an OCI layout, ranges included, and can be told to break off.</summary>
internal sealed class PlayedRegistry : IDisposable
{
    private readonly TemporaryDirectory _layout = new();
    private readonly StandInServer _server;
    private byte[] _top = [];
    private string _topType = "";

    public PlayedRegistry()
    {
        Image = new TestImage(_layout.Path);
        _server = new StandInServer(async (request, response) =>
        {
            string[] path = request.Url!.AbsolutePath.Split('/');
            string name = path[^1], blob = Path.Combine(_layout.Path, "blobs", "sha256", name.Replace("sha256:", "", StringComparison.Ordinal));
            bool byDigest = name.StartsWith("sha256:", StringComparison.Ordinal);
            if (byDigest && !File.Exists(blob))
            {
                response.StatusCode = 404;
                return;
            }
            byte[] bytes = byDigest ? File.ReadAllBytes(blob) : _top;
            if (path[^2] == "manifests")
                response.ContentType = byDigest ? "application/vnd.oci.image.manifest.v1+json" : _topType;
            int from = 0;
            if (request.Headers["Range"] is string range)
            {
                from = int.Parse(range["bytes=".Length..].Split('-')[0], System.Globalization.CultureInfo.InvariantCulture);
                response.StatusCode = 206;
                response.Headers["Content-Range"] = $"bytes {from}-{bytes.Length - 1}/{bytes.Length}";
            }
            int end = BreaksOffAfter is int most && path[^2] == "blobs" && bytes.Length > most ? Math.Min(bytes.Length, from + most) : bytes.Length;
            if (Changes && path[^2] == "blobs")
                bytes[^1] ^= 1;
            response.ContentLength64 = bytes.Length - from;
            await response.OutputStream.WriteAsync(bytes.AsMemory(from, end - from));
            if (end < bytes.Length)
                response.Abort();       // or whoever reads waits for the rest
        });
    }

    /// <summary>What is served.</summary>
    public TestImage Image { get; }

    public Uri Url => _server.Url;

    public IEnumerable<string> Seen => _server.Seen;

    /// <summary>So many bytes of a blob an answer has at most; then the connection is cut.</summary>
    public int? BreaksOffAfter { get; set; }

    /// <summary>Blobs have a wrong byte.</summary>
    public bool Changes { get; set; }

    /// <summary>Serves this manifest, or an index of these manifests, under every tag.</summary>
    public void Serve(params JsonObject[] manifests)
    {
        bool index = manifests.Length > 1;
        _top = index
            ? Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray([.. manifests]) }.ToJsonString())
            : File.ReadAllBytes(Path.Combine(_layout.Path, "blobs", "sha256", manifests[0]["digest"]!.ToString()["sha256:".Length..]));
        _topType = index ? "application/vnd.oci.image.index.v1+json" : "application/vnd.oci.image.manifest.v1+json";
    }

    /// <summary>Serves these bytes under every tag.</summary>
    public void Serve(byte[] manifest, string type) => (_top, _topType) = (manifest, type);

    public void Dispose()
    {
        _server.Dispose();
        _layout.Dispose();
    }
}
