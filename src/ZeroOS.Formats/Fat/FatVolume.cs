namespace ZeroOS.Formats.Fat;

/// <summary>
/// A FAT32 volume that is written to in an order in which the power may go at any moment: every file that was there is whole, and each change is one sector
/// that names something else. The kernel's driver promises no order between a table, a directory and data, and a rename of its touches two directories in one
/// call; here each step is flushed before the next (docs/update.md). What a cut leaves behind is clusters that nobody refers to; the next write takes them
/// back.
/// </summary>
public sealed class FatVolume
{
    private const int MaxDepth = 8, MaxEntries = 65536;
    private static readonly DateTimeOffset s_noTime = default; // nobody reads it: 1980, since zero is no date
    private readonly IVolumeMedium _medium;
    private readonly FatGeometry _geometry;
    private readonly FatTable _table;

    private FatVolume(IVolumeMedium medium, FatGeometry geometry, FatTable table) => (_medium, _geometry, _table) = (medium, geometry, table);

    /// <summary>Reads what describes the volume; nothing is written.</summary>
    /// <exception cref="FatException">Not FAT32, or damaged.</exception>
    /// <exception cref="IOException">The medium refuses.</exception>
    public static FatVolume Open(IVolumeMedium medium, long sizeBytes)
    {
        byte[] boot = new byte[FatBootSector.Bytes];
        medium.Read(0, boot);
        try
        {
            FatGeometry geometry = FatBootSector.Read(boot, sizeBytes);
            return new FatVolume(medium, geometry, FatTable.Read(medium, geometry));
        }
        catch (InvalidDataException e)
        {
            throw new FatException(e.Message, e);
        }
    }

    /// <summary>What is at a path of names with slashes between them, or null.</summary>
    public PlacedEntry? Find(string path)
    {
        uint directory = _geometry.RootCluster;
        string[] names = path.Split('/');
        for (int i = 0; ; i++)
        {
            PlacedEntry? entry = Directory(directory).Find(names[i]);
            if (entry is null || i == names.Length - 1)
                return entry;
            if (!entry.IsDirectory)
                return null;
            directory = entry.FirstCluster;
        }
    }

    /// <summary>A file's content.</summary>
    /// <exception cref="FatException">Longer than <paramref name="maxBytes"/>, or its clusters end before it does.</exception>
    public byte[] Read(PlacedEntry file, int maxBytes)
    {
        if (file.IsDirectory || file.SizeBytes > maxBytes)
            throw new FatException($"{file.Name} is not a file of at most {maxBytes} bytes");
        byte[] content = new byte[file.SizeBytes];
        IReadOnlyList<uint> chain = file.SizeBytes == 0 ? [] : _table.Chain(file.FirstCluster);
        if (chain.Count < _geometry.ClustersFor(file.SizeBytes))
            throw new FatException($"the file system is damaged: {file.Name} has fewer clusters than bytes");
        ForEachRun(chain, (offset, at, length) =>
        {
            int wanted = Math.Min(length, content.Length - at);
            if (wanted > 0)
                _medium.Read(offset, content.AsSpan(at, wanted));
        });
        return content;
    }

    /// <summary>Bytes that could be written now, what cuts left behind included.</summary>
    public long FreeBytes()
    {
        bool[] used = Referenced();
        long free = 0;
        for (uint cluster = FatGeometry.FirstCluster; cluster < _geometry.EndCluster; cluster++)
            free += used[cluster] || _table.IsBad(cluster) ? 0 : _geometry.ClusterBytes;
        return free;
    }

    /// <summary>
    /// Makes a file, its directories too, or gives one other content: the new content is on the medium before the name leads to it, and the old one is there
    /// until then.
    /// </summary>
    /// <exception cref="FatException">No room, damaged, or the name is a directory's.</exception>
    public void Write(string path, ReadOnlyMemory<byte> content)
    {
        string[] names = path.Split('/');
        uint directory = EnsureDirectory(names[..^1]);
        PlacedEntry? before = Directory(directory).Find(names[^1]);
        if (before is { IsDirectory: true })
            throw new FatException($"{path} is a directory");
        if (before is null)
            EnsureRoom(directory, names[^1]);
        IReadOnlyList<uint> chain = Allocate((int)_geometry.ClustersFor(content.Length));
        ForEachRun(chain, (offset, at, length) => WritePadded(offset, content.Span[at..Math.Min(content.Length, at + length)]));
        _medium.Flush();
        _table.Link(chain);
        _table.Write();
        _medium.Flush();
        uint first = chain.Count > 0 ? chain[0] : 0;
        if (before is not null)
            Change(before.Offset, (first, (uint)content.Length), Point);
        else
            AddEntry(directory, names[^1], FatDirectoryEntry.Archive, first, (uint)content.Length);
        if (before is { FirstCluster: > 0 })
        {
            foreach (uint cluster in _table.Chain(before.FirstCluster))
                _table.Free(cluster);
            _table.Write();
        }
        WriteInfo();
        _medium.Flush();
    }

    /// <summary>
    /// The file <paramref name="kept"/> gets the content of <paramref name="other"/>, and the other way round. First the kept name, in one sector, then the
    /// other's: at every moment the kept name leads to one of the two, whole. Between the two both lead to the same; <see cref="Settle"/> ends that after a
    /// cut.
    /// </summary>
    /// <exception cref="FatException">One of them is not there or empty.</exception>
    public void Exchange(string kept, string other)
    {
        PlacedEntry a = Content(kept), b = Content(other);
        Change(a.Offset, (b.FirstCluster, b.SizeBytes), Point);
        Change(b.Offset, (a.FirstCluster, a.SizeBytes), Point);
    }

    /// <summary>
    /// If a cut fell into an exchange, both names lead to the same content: then the other one is emptied, without giving back what the kept one has. True if
    /// so.
    /// </summary>
    public bool Settle(string kept, string other)
    {
        if (Find(kept) is not { IsDirectory: false, FirstCluster: > 0 } a || Find(other) is not { IsDirectory: false } b || a.FirstCluster != b.FirstCluster)
            return false;
        Change(b.Offset, (0u, 0u), Point);
        return true;
    }

    private PlacedEntry Content(string path) =>
        Find(path) is { IsDirectory: false, FirstCluster: > 0 } file ? file : throw new FatException($"{path} is not there");

    private FatDirectory Directory(uint cluster) => FatDirectory.Read(_medium, _geometry, _table, cluster);

    private uint EnsureDirectory(IReadOnlyList<string> names)
    {
        uint directory = _geometry.RootCluster;
        foreach (string name in names)
        {
            if (Directory(directory).Find(name) is { } there)
            {
                directory = there.IsDirectory ? there.FirstCluster : throw new FatException($"{name} is a file, not a directory");
                continue;
            }
            EnsureRoom(directory, name);
            uint made = Allocate(1)[0];
            byte[] bytes = new byte[_geometry.ClusterBytes];
            FatDirectoryEntry.Dots(made, directory == _geometry.RootCluster ? 0 : directory, s_noTime).CopyTo(bytes, 0);
            AppendCluster(made, bytes, []);
            AddEntry(directory, name, FatDirectoryEntry.Directory, made, 0);
            directory = made;
        }
        return directory;
    }

    /// <summary>A cluster with its content first, then its place in a chain (alone, if there is none).</summary>
    private void AppendCluster(uint cluster, ReadOnlySpan<byte> content, IReadOnlyList<uint> chain)
    {
        _medium.Write(_geometry.OffsetOf(cluster), content);
        _medium.Flush();
        _table.Link([.. chain, cluster]);
        _table.Write();
        _medium.Flush();
    }

    /// <summary>Lets a directory grow until a name fits, before anything that only the name will refer to is allocated.</summary>
    private void EnsureRoom(uint directoryCluster, string name)
    {
        int count = Directory(directoryCluster).EntriesFor(name).Length / FatDirectoryEntry.Bytes;
        while (Directory(directoryCluster).Room(count, out _) is null)
            AppendCluster(Allocate(1)[0], new byte[_geometry.ClusterBytes], _table.Chain(directoryCluster));
    }

    private void AddEntry(uint directoryCluster, string name, byte attributes, uint firstCluster, uint sizeBytes)
    {
        FatDirectory directory = Directory(directoryCluster);
        byte[] entries = directory.EntriesFor(name);
        FatDirectoryEntry.Describe(entries.AsSpan(^FatDirectoryEntry.Bytes..), attributes, firstCluster, sizeBytes, s_noTime);
        long[] room = directory.Room(entries.Length / FatDirectoryEntry.Bytes, out long? endAfter) ?? throw new FatException($"no room for the name {name}");
        if (endAfter is { } end)
            Change(end, 0, static (slot, _) => slot.Clear());
        // A long name without the entry it belongs to is invisible, an entry without its long name would go by another.
        for (int i = 0; i < room.Length; i++)
            Change(room[i], entries.AsMemory(i * FatDirectoryEntry.Bytes, FatDirectoryEntry.Bytes), static (slot, bytes) => bytes.Span.CopyTo(slot));
    }

    /// <summary>Changes one slot of a directory: one sector, on the medium when this returns.</summary>
    private void Change<T>(long offset, T value, Action<Span<byte>, T> change)
    {
        byte[] sector = new byte[_geometry.SectorBytes];
        long at = offset / sector.Length * sector.Length;
        _medium.Read(at, sector);
        change(sector.AsSpan((int)(offset - at), FatDirectoryEntry.Bytes), value);
        _medium.Write(at, sector);
        _medium.Flush();
    }

    private static void Point(Span<byte> slot, (uint Cluster, uint Size) to) => FatDirectoryEntry.Point(slot, to.Cluster, to.Size);

    /// <summary>
    /// Clusters for new content: free ones first, then those that a cut left behind; all of the latter are given back in memory, to be written with the next
    /// change.
    /// </summary>
    private IReadOnlyList<uint> Allocate(int count)
    {
        bool[] used = Referenced();
        List<uint> chosen = new(count);
        for (int pass = 0; pass < 2; pass++)
        {
            for (uint cluster = FatGeometry.FirstCluster; cluster < _geometry.EndCluster; cluster++)
            {
                if (used[cluster] || _table.IsBad(cluster) || (pass == 0) != _table.IsFree(cluster))
                    continue;
                if (chosen.Count < count)
                    chosen.Add(cluster);
                if (pass == 1)
                    _table.Free(cluster);
            }
        }
        return chosen.Count == count ? chosen
            : throw new FatException(
                $"no room: {(long)count * _geometry.ClusterBytes} bytes are wanted, {(long)chosen.Count * _geometry.ClusterBytes} are free");
    }

    /// <summary>Which clusters files and directories refer to.</summary>
    /// <exception cref="FatException">Two refer to the same: writing here could destroy one of them.</exception>
    private bool[] Referenced()
    {
        bool[] used = new bool[_geometry.EndCluster];
        Stack<(uint Cluster, int Depth)> directories = new([(_geometry.RootCluster, 0)]);
        int entries = 0;
        Mark(_geometry.RootCluster, used);
        while (directories.TryPop(out (uint Cluster, int Depth) next))
        {
            foreach (PlacedEntry entry in Directory(next.Cluster).Entries)
            {
                if (++entries > MaxEntries || (entry.IsDirectory && next.Depth >= MaxDepth))
                    throw new FatException("it holds more files or deeper directories than a boot medium has");
                if (entry.FirstCluster == 0)
                    continue;
                Mark(entry.FirstCluster, used);
                if (entry.IsDirectory)
                    directories.Push((entry.FirstCluster, next.Depth + 1));
            }
        }
        return used;
    }

    private void Mark(uint first, bool[] used)
    {
        foreach (uint cluster in _table.Chain(first))
        {
            if (used[cluster])
                throw new FatException("the file system is damaged: two names lead to the same clusters");
            used[cluster] = true;
        }
    }

    /// <summary>Whole clusters are written, with zeros behind the content's end.</summary>
    private void WritePadded(long offset, ReadOnlySpan<byte> content)
    {
        int whole = content.Length / _geometry.ClusterBytes * _geometry.ClusterBytes;
        if (whole > 0)
            _medium.Write(offset, content[..whole]);
        if (whole == content.Length)
            return;
        byte[] last = new byte[_geometry.ClusterBytes];
        content[whole..].CopyTo(last);
        _medium.Write(offset + whole, last);
    }

    private void ForEachRun(IReadOnlyList<uint> chain, Action<long, int, int> run)
    {
        for (int from = 0; from < chain.Count;)
        {
            int to = from + 1;
            while (to < chain.Count && chain[to] == chain[to - 1] + 1)
                to++;
            run(_geometry.OffsetOf(chain[from]), from * _geometry.ClusterBytes, (to - from) * _geometry.ClusterBytes);
            from = to;
        }
    }

    /// <summary>The count of free clusters that some readers trust (section 5).</summary>
    private void WriteInfo()
    {
        if (_geometry.InfoSector == 0)
            return;
        byte[] info = new byte[_geometry.SectorBytes];
        long at = (long)_geometry.InfoSector * info.Length;
        _medium.Read(at, info);
        if (!FatInfoSector.IsOne(info))
            return;
        uint free = 0, hint = uint.MaxValue;
        for (uint cluster = _geometry.EndCluster - 1; cluster >= FatGeometry.FirstCluster; cluster--)
        {
            if (_table.IsFree(cluster))
                (free, hint) = (free + 1, cluster);
        }
        FatInfoSector.Write(info, free, hint);
        _medium.Write(at, info);
    }
}
