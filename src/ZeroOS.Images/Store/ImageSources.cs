using ZeroOS.Images.Fetch;

namespace ZeroOS.Images.Store;

/// <summary>
/// Where the bytes of one image may come from: what each tenant that uses it named, and places that have proved themselves by the image's manifest or a
/// verified chunk. Nobody's source can push another tenant's out: who waits is asked for first.
/// </summary>
internal sealed class ImageSources
{
    /// <summary>Proven places kept for an image at most, the latest first.</summary>
    public const int MaxProven = 8;

    /// <summary>Proven places kept of one owner at most.</summary>
    public const int MaxProvenOfOwner = 2;

    private readonly Dictionary<FetchSource, int> _named = [];
    private readonly List<FetchSource> _proven = [];
    private readonly Lock _gate = new();

    /// <summary>A machine's tenant named it; taken back with <see cref="Remove"/>.</summary>
    public void Add(FetchSource source)
    {
        lock (_gate)
            _named[source] = _named.GetValueOrDefault(source) + 1;
    }

    /// <summary>The machine does not use the image any more.</summary>
    public void Remove(FetchSource source)
    {
        lock (_gate)
        {
            if (_named.GetValueOrDefault(source) is var count && count > 1)
                _named[source] = count - 1;
            else
                _named.Remove(source);
        }
    }

    /// <summary>It gave the manifest, or a chunk, that the image has.</summary>
    public void Prove(FetchSource source)
    {
        lock (_gate)
        {
            if (_proven.Count > 0 && IsSame(_proven[0], source))
                return;
            _proven.RemoveAll(p => IsSame(p, source));
            if (_proven.Count(p => p.Owner == source.Owner) == MaxProvenOfOwner)
                _proven.RemoveAt(_proven.FindLastIndex(p => p.Owner == source.Owner));
            _proven.Insert(0, source);
            if (_proven.Count > MaxProven)
                _proven.RemoveAt(MaxProven);
        }
    }

    /// <summary>
    /// The source for the nth attempt on behalf of those who wait, or, when nobody does, of any tenant that uses the image. A proven place of another
    /// tenant is asked on the waiting tenant's account. Null while nobody has named one.
    /// </summary>
    public FetchSource? Pick(IReadOnlyList<IChunkWaiter> waiters, int attempt)
    {
        lock (_gate)
        {
            List<FetchSource> sources = [.. (waiters.Count > 0 ? waiters.Select(w => w.Source) : _named.Keys).Distinct()];
            if (sources.Count == 0)
                return null;
            string owner = sources[attempt % sources.Count].Owner;
            foreach (FetchSource proven in _proven)
            {
                if (!sources.Exists(s => IsSame(s, proven)))
                    sources.Add(proven with { Owner = owner });
            }
            return sources[attempt % sources.Count];
        }
    }

    private static bool IsSame(FetchSource one, FetchSource other) =>
        one.Url == other.Url && one.Repository == other.Repository && one.Credentials == other.Credentials;
}
