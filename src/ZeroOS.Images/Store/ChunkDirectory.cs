using ZeroOS.Flist;

namespace ZeroOS.Images.Store;

/// <summary>
/// Which image holds a chunk with a given plain digest. One directory for all images that were fetched anonymously and one for each tenant's own: a
/// tenant must not learn from a fast answer what another has, and a digest must not be a password. A chunk that finds no room is fetched again.
/// </summary>
internal sealed class ChunkDirectory(ChunkDirectory? publicImages)
{
    /// <summary>Entries of one image at most.</summary>
    public const int MaxOfImage = 25_000;

    /// <summary>Entries of one directory at most.</summary>
    public const int MaxChunks = 200_000;

    /// <summary>Entries of a tenant's own directory at most.</summary>
    public const int MaxOfTenant = 25_000;

    private readonly Dictionary<Sha256Digest, (Image Image, int Chunk)> _chunks = [];
    private readonly Dictionary<Image, int> _counts = [];
    private readonly Lock _gate = new();

    /// <summary>An image has the chunk on its device, verified or hinted.</summary>
    public void Add(Sha256Digest plain, Image image, int chunk)
    {
        lock (_gate)
        {
            int count = _counts.GetValueOrDefault(image);
            if (count < MaxOfImage && _chunks.Count < (publicImages is null ? MaxChunks : MaxOfTenant) && _chunks.TryAdd(plain, (image, chunk)))
                _counts[image] = count + 1;
        }
    }

    /// <summary>The entry turned out not to be true.</summary>
    public void Remove(Sha256Digest plain, Image image)
    {
        lock (_gate)
        {
            if (_chunks.TryGetValue(plain, out (Image Image, int Chunk) entry) && entry.Image == image)
            {
                _chunks.Remove(plain);
                _counts[image]--;
            }
        }
        publicImages?.Remove(plain, image);
    }

    /// <summary>The image is closed.</summary>
    public void RemoveAll(Image image)
    {
        lock (_gate)
        {
            if (!_counts.Remove(image))
                return;
            foreach ((Sha256Digest plain, (Image Image, int Chunk) entry) in _chunks)
            {
                if (entry.Image == image)
                    _chunks.Remove(plain);
            }
        }
    }

    /// <summary>Who has it: images of this directory first, then those open to all. The image may be closed meanwhile: pin it.</summary>
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
