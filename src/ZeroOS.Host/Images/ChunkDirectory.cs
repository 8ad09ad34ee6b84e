using ZeroOS.Flist;

namespace ZeroOS.Host.Images;

/// <summary>
/// Which image holds a chunk with a given plain digest. One directory for all images that were fetched anonymously and one for each tenant's own: a
/// tenant must not learn from a fast answer what another has, and a digest must not be a password.
/// </summary>
internal sealed class ChunkDirectory(ChunkDirectory? publicImages)
{
    private const int MaxChunks = 200_000;
    private readonly Dictionary<Sha256Digest, (Image Image, int Chunk)> _chunks = [];
    private readonly Lock _gate = new();

    /// <summary>An image has the chunk on its device, verified or hinted.</summary>
    public void Add(Sha256Digest plain, Image image, int chunk)
    {
        lock (_gate)
        {
            if (_chunks.Count < MaxChunks)
                _chunks[plain] = (image, chunk);
        }
    }

    /// <summary>The entry turned out not to be true.</summary>
    public void Remove(Sha256Digest plain, Image image)
    {
        lock (_gate)
        {
            if (_chunks.TryGetValue(plain, out (Image Image, int Chunk) entry) && entry.Image == image)
                _chunks.Remove(plain);
        }
        publicImages?.Remove(plain, image);
    }

    /// <summary>Who has it: images of this directory first, then those open to all.</summary>
    public (Image Image, int Chunk)? Find(Sha256Digest plain)
    {
        lock (_gate)
        {
            if (_chunks.TryGetValue(plain, out (Image Image, int Chunk) entry))
                return entry;
        }
        return publicImages?.Find(plain);
    }
}
