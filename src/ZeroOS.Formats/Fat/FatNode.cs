namespace ZeroOS.Formats.Fat;

/// <summary>A file or folder of a volume that is being written.</summary>
internal sealed class FatNode(string name, bool isFolder, FatFile? source)
{
    private readonly Dictionary<string, FatNode> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _shortNames = new(StringComparer.OrdinalIgnoreCase);

    internal string Name { get; } = name;

    internal bool IsFolder { get; } = isFolder;

    /// <summary>A file's content.</summary>
    internal FatFile? Source { get; } = source;

    internal FatNode? Parent { get; private set; }

    internal List<FatNode> Children { get; } = [];

    /// <summary>Its entries in its folder; the last one is yet to be described.</summary>
    internal byte[] Entries { get; private set; } = [];

    internal uint FirstCluster { get; set; }

    internal uint Clusters { get; set; }

    internal FatNode? Find(string name) => _byName.GetValueOrDefault(name);

    internal FatNode Add(FatNode child)
    {
        child.Entries = FatName.Entries(child.Name, _shortNames);
        child.Parent = this;
        _shortNames.Add(FatName.Short(child.Entries.AsSpan(^FatDirectoryEntry.Bytes..)));
        _byName.Add(child.Name, child);
        Children.Add(child);
        return child;
    }
}
