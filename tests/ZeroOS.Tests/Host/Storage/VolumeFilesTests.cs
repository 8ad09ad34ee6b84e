using Xunit;

using ZeroOS.Host.Storage;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>What needs no mount: volumes on plain directories.</summary>
public sealed class VolumeFilesTests : IDisposable
{
    private static readonly WorkloadId s_volume = new("tenant", "shop", "data");
    private readonly string _base = Path.Combine(Path.GetTempPath(), $"zeroos-volumes-{Guid.NewGuid():n}");

    public VolumeFilesTests() => Directory.CreateDirectory(_base);

    public void Dispose() => Directory.Delete(_base, recursive: true);

    [Fact]
    public void Left_overs_of_a_power_cut_are_gone_and_whole_volumes_stay()
    {
        StorageDisk disk = Disk("a");
        string volumes = disk.Root + "/volumes";
        Directory.CreateDirectory($"{volumes}/new-{s_volume.Short}");
        Directory.CreateDirectory($"{volumes}/gone-{s_volume.Short}-1");
        MakeVolume(disk);
        VolumeFiles files = Files(disk);
        Assert.Equal([$"{volumes}/{s_volume.Short}"], Directory.EnumerateDirectories(volumes));
        Assert.Equal([(s_volume, 5L)], files.List());
    }

    [Fact]
    public void A_volume_opens_once_at_a_time_and_again_when_every_duplicate_is_closed()
    {
        StorageDisk disk = Disk("a");
        MakeVolume(disk);
        VolumeFiles files = Files(disk);
        FileDescriptor first = files.Open(s_volume), duplicate = first.Duplicate();
        first.Dispose();
        Assert.Equal("volume-in-use", Assert.Throws<WorkloadException>(() => files.Open(s_volume)).Reason);
        duplicate.Dispose();
        files.Open(s_volume).Dispose();
    }

    [Fact]
    public void Destroying_is_for_ever_and_unknown_is_done_already()
    {
        StorageDisk disk = Disk("a");
        MakeVolume(disk);
        VolumeFiles files = Files(disk);
        files.Destroy(s_volume);
        files.Destroy(s_volume);
        Assert.Empty(files.List());
        Assert.Equal("no-storage", Assert.Throws<WorkloadException>(() => files.Open(s_volume)).Reason);
    }

    private StorageDisk Disk(string name, bool fresh = true)
    {
        Directory.CreateDirectory($"{_base}/{name}");
        return new StorageDisk($"{_base}/{name}", fresh);
    }

    private static VolumeFiles Files(StorageDisk disk) => new([disk], new Lazy<SparseTemplate>(() => throw new InvalidOperationException("not needed here")));

    private static void MakeVolume(StorageDisk disk)
    {
        string directory = $"{disk.Root}/volumes/{s_volume.Short}";
        Directory.CreateDirectory(directory);
        File.WriteAllText(directory + "/disk", "bytes");
        File.WriteAllText(directory + "/owner", "tenant\nshop\ndata");
    }
}
