using System.Text.Json;
using System.Text.Json.Nodes;

using ZeroOS.Flist;
using ZeroOS.Oci.Layout;

namespace ZeroOS.Oci.Build;

/// <summary>
/// Adds a flist to an OCI layout directory, made when it is not there. Blobs appear under their digest only when all of them are complete, the
/// index entry last; a build that fails leaves the layout as it was.
/// </summary>
internal sealed class OciLayoutWriter : IDisposable
{
    private readonly string _directory;
    private readonly string _blobs;
    private readonly List<(string Path, Sha256Digest Digest)> _finished = [];
    private string? _workspace;
    private int _temporaries;

    internal OciLayoutWriter(string directory)
    {
        _directory = directory;
        _blobs = Path.Combine(directory, "blobs", "sha256");
    }

    /// <summary>A directory on the same file system that goes away with this object; the layout itself is made with it.</summary>
    internal string Workspace
    {
        get
        {
            if (_workspace is null)
            {
                Directory.CreateDirectory(_blobs);
                _workspace = Directory.CreateDirectory(Path.Combine(_directory, $".build-{Guid.NewGuid():N}")).FullName;
            }
            return _workspace;
        }
    }

    internal BlobWriter NewBlob() => new(Path.Combine(Workspace, $"blob-{_temporaries++}"));

    /// <summary>Takes a finished blob; it gets its place with the index entry.</summary>
    internal Sha256Digest Adopt(BlobWriter blob)
    {
        Sha256Digest digest = blob.Finish();
        _finished.Add((blob.Path, digest));
        return digest;
    }

    internal Sha256Digest Add(ReadOnlySpan<byte> bytes)
    {
        using BlobWriter blob = NewBlob();
        blob.Append(bytes);
        return Adopt(blob);
    }

    /// <summary>Moves the blobs into place and lists the manifest in index.json; entries of other images stay as they are.</summary>
    internal void List(Sha256Digest manifest, long size)
    {
        string path = Path.Combine(_directory, "index.json");
        JsonObject index;
        try
        {
            index = (File.Exists(path) ? JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject : null) ?? new JsonObject { ["schemaVersion"] = 2 };
        }
        catch (JsonException e)
        {
            throw new FlistBuildException($"{path} is damaged: {e.Message}", e);
        }
        foreach ((string blob, Sha256Digest digest) in _finished)
            File.Move(blob, Path.Combine(_blobs, digest.Hex), overwrite: true);
        OciIndexJson.Put(index, manifest, size);
        Replace("oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8);
        Replace("index.json", JsonSerializer.SerializeToUtf8Bytes(index, OciJson.Default.JsonObject));
    }

    public void Dispose()
    {
        if (_workspace is not null)
            Directory.Delete(_workspace, recursive: true);
    }

    private void Replace(string name, ReadOnlySpan<byte> bytes)
    {
        string temporary = Path.Combine(Workspace, name);
        using (FileStream file = File.Create(temporary))
            file.Write(bytes);
        File.Move(temporary, Path.Combine(_directory, name), overwrite: true);
    }
}
