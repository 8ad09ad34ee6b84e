using System.Text;

namespace ZeroOS.Formats.Fat;

/// <summary>
/// Reads a FAT32 volume of any origin. What is wrong with it is an <see cref="InvalidDataException"/>; time and memory are bounded by <see cref="MaxEntries"/>
/// and by the sizes asked for, not by what the volume says.
/// </summary>
public sealed class FatReader
{
    /// <summary>Files and folders of a volume at most.</summary>
    public const int MaxEntries = 65_536;

    private const int MaxDepth = 16, MaxFolderBytes = 2 << 20, PageBytes = 4096;
    private readonly Stream _volume;
    private readonly byte[] _page = new byte[PageBytes]; // of the table, the one read last
    private long _pageAt = -1;

    /// <summary>Opens a volume; the stream must be able to seek, and stays the caller's.</summary>
    /// <exception cref="InvalidDataException">No FAT32 volume with sectors of 512 bytes.</exception>
    public FatReader(Stream volume)
    {
        _volume = volume;
        byte[] sector = new byte[FatBootSector.Bytes];
        volume.Position = 0;
        if (volume.ReadAtLeast(sector, sector.Length, throwOnEndOfStream: false) < sector.Length)
            throw new InvalidDataException("not a FAT volume: shorter than a sector");
        Geometry = FatBootSector.Read(sector, volume.Length);
        if (Geometry.SectorBytes != FatBootSector.Bytes)
            throw new InvalidDataException($"a FAT volume with sectors of {Geometry.SectorBytes} bytes, not {FatBootSector.Bytes}");
        byte[]? label = Folder(Geometry.RootCluster).FirstOrDefault(e => FatDirectoryEntry.IsLabel(e));
        Identity = new FatIdentity(label is null ? "" : Encoding.Latin1.GetString(label, 0, FatName.ShortBytes).TrimEnd(), FatBootSector.Serial(sector),
            label is null ? DateTimeOffset.UnixEpoch : FatDirectoryEntry.Time(label), sector);
    }

    /// <summary>Its dimensions.</summary>
    public FatGeometry Geometry { get; }

    /// <summary>Its label, serial number and boot sector; the time is that of the label, which is written once.</summary>
    public FatIdentity Identity { get; }

    /// <summary>Everything in it, folders before what is in them.</summary>
    /// <exception cref="InvalidDataException">A damaged or endless tree.</exception>
    public IReadOnlyList<FatEntry> List()
    {
        List<FatEntry> found = [];
        List(Geometry.RootCluster, "", found, [Geometry.RootCluster], 0);
        return found;
    }

    /// <summary>The file or folder of that path, in whatever case; null if there is none.</summary>
    public FatEntry? Find(string path) => List().FirstOrDefault(e => e.Path.Equals(path, StringComparison.OrdinalIgnoreCase));

    /// <summary>A file's content, to be read and sought in. Its chain is followed now.</summary>
    /// <exception cref="InvalidDataException">A folder, or a chain that is shorter than the file or leaves the volume.</exception>
    public Stream Open(FatEntry file)
    {
        if (file.IsFolder)
            throw new InvalidDataException($"{file.Path} is a folder");
        uint clusters = Geometry.ClustersFor(file.Size);
        if (clusters > Geometry.Clusters)
            throw new InvalidDataException($"{file.Path} says that it is larger than its volume");
        List<(long Offset, long Length)> runs = [];
        uint cluster = file.FirstCluster;
        for (uint i = 0; i < clusters; i++)
        {
            if (!Geometry.Holds(cluster))
                throw new InvalidDataException($"{file.Path} is cut off after {i} of {clusters} clusters");
            long offset = Geometry.OffsetOf(cluster);
            if (runs.Count > 0 && runs[^1].Offset + runs[^1].Length == offset)
                runs[^1] = (runs[^1].Offset, runs[^1].Length + Geometry.ClusterBytes);
            else
                runs.Add((offset, Geometry.ClusterBytes));
            cluster = Next(cluster);
        }
        return new FatFileStream(_volume, runs, file.Size);
    }

    /// <summary>A small file as a whole.</summary>
    /// <exception cref="InvalidDataException">Larger than <paramref name="most"/> bytes, or damaged.</exception>
    public byte[] ReadAll(FatEntry file, int most)
    {
        if (file.Size > most)
            throw new InvalidDataException($"{file.Path} has {file.Size} bytes; at most {most} are read");
        using Stream content = Open(file);
        byte[] bytes = new byte[file.Size];
        return content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length
            ? bytes
            : throw new InvalidDataException($"{file.Path} ends with its volume");
    }

    private void List(uint folder, string path, List<FatEntry> found, HashSet<uint> seen, int depth)
    {
        FatLongName longName = new();
        foreach (byte[] entry in Folder(folder))
        {
            if (longName.Take(entry) is not { } name)
                continue;
            if (found.Count == MaxEntries)
                throw new InvalidDataException($"more than {MaxEntries} files in a FAT volume");
            bool isFolder = FatDirectoryEntry.IsDirectory(entry);
            FatEntry file = new(path + name, isFolder, isFolder ? 0 : FatDirectoryEntry.Size(entry), FatDirectoryEntry.Cluster(entry));
            found.Add(file);
            if (!isFolder)
                continue;
            if (depth == MaxDepth || !seen.Add(file.FirstCluster))
                throw new InvalidDataException($"{file.Path}: a folder that contains itself, or folders nested deeper than {MaxDepth}");
            List(file.FirstCluster, file.Path + "/", found, seen, depth + 1);
        }
    }

    /// <summary>The entries of a folder up to its end mark.</summary>
    private IEnumerable<byte[]> Folder(uint cluster)
    {
        byte[] content = new byte[Geometry.ClusterBytes];
        for (int bytes = 0; bytes < MaxFolderBytes && Geometry.Holds(cluster); bytes += content.Length, cluster = Next(cluster))
        {
            _volume.Position = Geometry.OffsetOf(cluster);
            if (_volume.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length)
                throw new InvalidDataException("a folder beyond the end of its FAT volume");
            for (int at = 0; at < content.Length; at += FatDirectoryEntry.Bytes)
            {
                if (content[at] == FatDirectoryEntry.End)
                    yield break;
                yield return content[at..(at + FatDirectoryEntry.Bytes)];
            }
        }
    }

    /// <summary>The cluster after this one; 0 at the end of a chain and where the table says nonsense.</summary>
    private uint Next(uint cluster)
    {
        long at = Geometry.TableOffset(0) + (cluster * (long)FatTableEntry.Bytes), page = at / PageBytes * PageBytes;
        if (page != _pageAt)
        {
            _volume.Position = page;
            int got = _volume.ReadAtLeast(_page, PageBytes, throwOnEndOfStream: false);
            _page.AsSpan(got).Clear();
            _pageAt = page;
        }
        uint next = FatTableEntry.Read(_page.AsSpan((int)(at - page)));
        return Geometry.Holds(next) ? next : 0;
    }
}
