namespace ZeroOS.Formats.Fat;

/// <summary>
/// Makes a FAT32 volume of given files. Deterministic: each file lies in one piece, in the order given, folders where their first file asked for them; no
/// clock, no chance. Needs memory for the tables in use and one block: contents stream through, and what is zero is skipped, so that the volume's file stays
/// sparse.
/// </summary>
public sealed class FatWriter
{
    private const int BlockBytes = 64 * 1024, PageBytes = 4096;
    private readonly FatGeometry _geometry;
    private readonly FatIdentity _identity;
    private readonly FatNode _root = new("", isFolder: true, source: null);
    private readonly List<FatNode> _nodes;
    private readonly uint _nextCluster;

    private FatWriter(FatGeometry geometry, FatIdentity identity, IReadOnlyList<FatFile> files)
    {
        (_geometry, _identity, _nodes) = (geometry, identity, [_root]);
        foreach (FatFile file in files)
            Add(file);
        uint cluster = FatGeometry.FirstCluster;
        foreach (FatNode node in _nodes)
        {
            long bytes = node.IsFolder ? FolderBytes(node) : node.Source!.Size;
            node.Clusters = geometry.ClustersFor(bytes);
            node.FirstCluster = node.Clusters == 0 ? 0 : cluster;
            if (node.Clusters > geometry.EndCluster - cluster)
                throw new IOException(
                    $"{node.Name} does not fit: the files need more than the {(long)geometry.Clusters * geometry.ClusterBytes} bytes of the volume");
            cluster += node.Clusters;
        }
        _nextCluster = cluster;
    }

    /// <summary>Writes the volume. <paramref name="volume"/> can seek and holds zeros: a new file of the right length, or a part of one.</summary>
    /// <exception cref="ArgumentException">A name or label that FAT does not take, a name twice, a file too large.</exception>
    /// <exception cref="IOException">The files do not fit, or a source ends early.</exception>
    public static void Write(Stream volume, FatGeometry geometry, FatIdentity identity, IReadOnlyList<FatFile> files) =>
        new FatWriter(geometry, identity, files).Write(volume);

    private void Add(FatFile file)
    {
        if (file.Size is < 0 or > uint.MaxValue)
            throw new ArgumentException($"{file.Path}: a file of {file.Size} bytes is too large for FAT");
        string[] parts = file.Path.Split('/');
        FatNode folder = _root;
        foreach (string part in parts[..^1])
        {
            FatNode? next = folder.Find(part);
            if (next is null)
                _nodes.Add(next = folder.Add(new FatNode(part, isFolder: true, source: null)));
            folder = next.IsFolder ? next : throw new ArgumentException($"{file.Path}: {part} is a file");
        }
        if (folder.Find(parts[^1]) is not null)
            throw new ArgumentException($"{file.Path} is there twice");
        _nodes.Add(folder.Add(new FatNode(parts[^1], isFolder: false, file)));
    }

    private long FolderBytes(FatNode folder) => folder.Children.Sum(c => (long)c.Entries.Length) + (FatDirectoryEntry.Bytes * (folder == _root ? 1 : 2));

    private void Write(Stream volume)
    {
        byte[] boot = FatBootSector.Write(_geometry with { RootCluster = _root.FirstCluster }, _identity), info = new byte[_geometry.SectorBytes];
        FatInfoSector.Write(info, free: _geometry.EndCluster - _nextCluster, next: _nextCluster - 1); // the last one given away: the search begins behind it
        foreach (int copy in (ReadOnlySpan<int>)[0, FatBootSector.Backup])
        {
            WriteAt(volume, (long)copy * _geometry.SectorBytes, boot);
            WriteAt(volume, (long)(copy + FatBootSector.Info) * _geometry.SectorBytes, info);
        }
        byte[] table = Table();
        for (int copy = 0; copy < _geometry.FatCount; copy++)
            WriteAt(volume, _geometry.TableOffset(copy), table);
        foreach (FatNode node in _nodes.Where(n => n.IsFolder))
            WriteAt(volume, _geometry.OffsetOf(node.FirstCluster), Folder(node));
        byte[] block = new byte[BlockBytes];
        foreach (FatNode node in _nodes.Where(n => !n.IsFolder))
            CopyContent(volume, node, block);
    }

    private byte[] Table()
    {
        byte[] table = new byte[_nextCluster * (long)FatTableEntry.Bytes];
        Link(0, FatTableEntry.Media);
        Link(1, FatTableEntry.Last);
        foreach (FatNode node in _nodes)
        {
            uint end = node.FirstCluster + node.Clusters;
            for (uint cluster = node.FirstCluster; cluster < end; cluster++)
                Link(cluster, cluster + 1 == end ? FatTableEntry.Last : cluster + 1);
        }
        return table;

        void Link(uint cluster, uint next) => FatTableEntry.Write(table.AsSpan((int)cluster * FatTableEntry.Bytes), next);
    }

    private byte[] Folder(FatNode folder)
    {
        MemoryStream entries = new();
        if (folder == _root)
            entries.Write(FatDirectoryEntry.Write(_identity.LabelBytes(), FatDirectoryEntry.VolumeLabel, 0, _identity.Time));
        else
            entries.Write(FatDirectoryEntry.Dots(folder.FirstCluster, folder.Parent == _root ? 0 : folder.Parent!.FirstCluster, _identity.Time));
        foreach (FatNode child in folder.Children)
        {
            FatDirectoryEntry.Describe(child.Entries.AsSpan(^FatDirectoryEntry.Bytes..),
                child.IsFolder ? FatDirectoryEntry.Directory : FatDirectoryEntry.Archive, child.FirstCluster,
                (uint)(child.Source?.Size ?? 0), _identity.Time);
            entries.Write(child.Entries);
        }
        return entries.ToArray();
    }

    private void CopyContent(Stream volume, FatNode node, byte[] block)
    {
        using Stream source = node.Source!.Open();
        long offset = _geometry.OffsetOf(node.FirstCluster), left = node.Source.Size;
        while (left > 0)
        {
            int wanted = (int)Math.Min(left, block.Length);
            if (source.ReadAtLeast(block.AsSpan(0, wanted), wanted, throwOnEndOfStream: false) < wanted)
                throw new IOException($"{node.Source.Path} ended {left} bytes early");
            for (int at = 0; at < wanted; at += PageBytes)
            {
                ReadOnlySpan<byte> page = block.AsSpan(at, Math.Min(PageBytes, wanted - at));
                if (page.ContainsAnyExcept((byte)0))
                    WriteAt(volume, offset + at, page);
            }
            (offset, left) = (offset + wanted, left - wanted);
        }
    }

    private static void WriteAt(Stream volume, long offset, ReadOnlySpan<byte> bytes)
    {
        volume.Position = offset;
        volume.Write(bytes);
    }
}
