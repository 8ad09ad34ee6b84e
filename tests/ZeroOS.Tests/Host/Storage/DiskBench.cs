using ZeroOS.Host.Storage;
using ZeroOS.Linux;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>A node whose disks are sparse files, without mounts: what is claimed and erased is written for real.</summary>
internal sealed class DiskBench : IDisposable
{
    private readonly string _base = Directory.CreateTempSubdirectory("zeroos-disk-bench").FullName;

    public DiskBench()
    {
        File.WriteAllBytes(_base + "/ext4.img.zst", []);
        Storage = NodeStorage.Open([], mayClaim: _ => true, onTrial: false, new LineLog(Log.Add), _base + "/mounts", _base, _ => { });
        Node = new NodeDisks(Storage, () => Disks, new LineLog(Log.Add), TimeSpan.Zero);
    }

    /// <summary>What is in the computer now.</summary>
    public IReadOnlyList<BlockDisk> Disks { get; set; } = [];

    /// <summary>Lines of the log.</summary>
    public List<string> Log { get; } = [];

    /// <summary>In memory.</summary>
    public NodeStorage Storage { get; }

    /// <summary>Its disks.</summary>
    public NodeDisks Node { get; }

    /// <summary>Puts in a disk with what <paramref name="content"/> names of <see cref="FarmersDisk.All"/>, or an empty one.</summary>
    public BlockDisk Add(string name, string? content)
    {
        string path = $"{_base}/{name}";
        if (content is not null)
        {
            FarmersDisk.Make(content, path);
        }
        else
        {
            using FileStream file = File.Create(path);
            file.SetLength(FarmersDisk.Size);
        }
        BlockDisk disk = new(name, path, "serial-" + name, FarmersDisk.Size, IsRemovable: false, IsReadOnly: false) { Model = "file", Place = "/" + name };
        Disks = [.. Disks, disk];
        return disk;
    }

    /// <summary>The content id that the list shows of it.</summary>
    public string ContentId(BlockDisk disk) => Node.Look().Single(d => d.Disk.DiskId == disk.DiskId).ContentId!;

    /// <summary>What the node would say of it.</summary>
    public static DiskState State(BlockDisk disk) => DiskProbe.Classify(disk).State;

    /// <summary>Runs an erase to its end; what went wrong, or null.</summary>
    public string? Erase(BlockDisk disk, string contentId)
    {
        using ManualResetEventSlim ended = new();
        string? fault = null;
        Node.Erase(disk.DiskId, contentId, () => { }, f =>
        {
            fault = f;
            ended.Set();
        });
        Assert.True(ended.Wait(TimeSpan.FromSeconds(60)));
        return fault;
    }

    public void Dispose()
    {
        Node.Dispose();
        Directory.Delete(_base, recursive: true);
    }
}
