using Xunit;

using ZeroOS.Host.Storage;
using ZeroOS.Linux;
using ZeroOS.Tests.Shared;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>What needs no mount: volumes on plain directories.</summary>
public sealed class VolumeFilesTests : IDisposable
{
    private static readonly WorkloadId s_volume = new("tenant", "shop", "data");
    private readonly List<string> _log = [];
    private readonly string _base = Path.Combine(Path.GetTempPath(), $"zeroos-volumes-{Guid.NewGuid():n}");

    public VolumeFilesTests() => Directory.CreateDirectory(_base);

    public void Dispose() => Directory.Delete(_base, recursive: true);

    [Fact]
    public void Left_overs_of_a_power_cut_are_gone_and_whole_volumes_stay()
    {
        StorageDisk disk = Disk("a");
        string volumes = disk.Root + "/volumes";
        Directory.CreateDirectory($"{volumes}/new-{Name(s_volume)}");
        Directory.CreateDirectory($"{volumes}/gone-1");
        MakeVolume(disk);
        VolumeFiles files = Files(disk);
        Assert.Equal([$"{volumes}/{Name(s_volume)}"], Directory.EnumerateDirectories(volumes));
        Assert.Equal([(s_volume, 5L)], files.List());
    }

    [Fact]
    public void A_volume_opens_once_at_a_time_and_again_when_every_duplicate_is_closed()
    {
        StorageDisk disk = Disk("a");
        MakeVolume(disk);
        VolumeFiles files = Files(disk);
        FileDescriptor first = files.Open(s_volume, readOnly: false), duplicate = first.Duplicate();
        first.Dispose();
        Assert.Equal("volume-in-use", Assert.Throws<WorkloadException>(() => files.Open(s_volume, readOnly: false)).Reason);
        duplicate.Dispose();
        files.Open(s_volume, readOnly: false).Dispose();
    }

    /// <summary>Finding 16: a read-only volume was handed over writable, and only the monitor's own word kept it so.</summary>
    [Fact]
    public void A_volume_that_is_opened_read_only_cannot_be_written_by_whoever_has_it()
    {
        StorageDisk disk = Disk("a");
        MakeVolume(disk);
        VolumeFiles files = Files(disk);
        using FileDescriptor open = files.Open(s_volume, readOnly: true);
        Assert.Equal(Errno.EBADF, Assert.Throws<LinuxException>(() => open.WriteAt([1], 0)).Errno);
        Assert.Equal("volume-in-use", Assert.Throws<WorkloadException>(() => files.Open(s_volume, readOnly: false)).Reason);
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
        Assert.Equal("no-storage", Assert.Throws<WorkloadException>(() => files.Open(s_volume, readOnly: false)).Reason);
    }

    /// <summary>Finding 12: a directory was found by its short name, and whose it is was never read.</summary>
    [Fact]
    public void What_says_that_it_is_anothers_is_neither_opened_nor_destroyed()
    {
        StorageDisk disk = Disk("a");
        WorkloadId victim = new("victim", "shop", "data");
        foreach (string name in (string[])[Name(s_volume), s_volume.FormerName])
        {
            MakeVolume(disk, name, victim);
            VolumeFiles files = Files(disk, onTrial: true); // at another start it would get its owner's name
            string expected = name == s_volume.FormerName ? "no-storage" : "name-taken";
            Assert.Equal(expected, Assert.Throws<WorkloadException>(() => files.Open(s_volume, readOnly: false)).Reason);
            if (name == s_volume.FormerName)
                files.Destroy(s_volume);
            else
                Assert.Equal(expected, Assert.Throws<WorkloadException>(() => files.Destroy(s_volume)).Reason);
            Assert.Equal("bytes", File.ReadAllText($"{disk.Root}/volumes/{name}/disk"));
            Directory.Delete($"{disk.Root}/volumes/{name}", recursive: true);
        }
    }

    [Fact]
    public void What_an_earlier_version_named_gets_its_name_once_and_keeps_its_bytes()
    {
        StorageDisk disk = Disk("a"), other = Disk("b");
        WorkloadId second = new("tenant", "shop", "more");
        MakeVolume(disk, s_volume.FormerName, s_volume);
        MakeVolume(other, second.FormerName, second);
        Directory.CreateDirectory($"{disk.Root}/volumes/0123456789abcdef");
        for (int start = 0; start < 2; start++)
        {
            VolumeFiles files = Files([disk, other]);
            Assert.Equal([$"{disk.Root}/volumes/0123456789abcdef", $"{disk.Root}/volumes/{Name(s_volume)}"],
                Directory.EnumerateDirectories(disk.Root + "/volumes").Order());
            Assert.Equal([$"{other.Root}/volumes/{Name(second)}"], Directory.EnumerateDirectories(other.Root + "/volumes"));
            using FileDescriptor open = files.Open(s_volume, readOnly: false);
            Assert.Equal(5, open.Length);
        }
        Assert.Equal(2, _log.Count(l => l.Contains("event=volume-without-owner", StringComparison.Ordinal)));
    }

    /// <summary>The version before, which may come back, finds nothing under another name and would make an empty volume.</summary>
    [Fact]
    public void A_version_on_trial_leaves_the_names_alone_and_finds_what_they_name()
    {
        StorageDisk disk = Disk("a");
        MakeVolume(disk, s_volume.FormerName, s_volume);
        VolumeFiles files = Files(disk, onTrial: true);
        Assert.Equal([$"{disk.Root}/volumes/{s_volume.FormerName}"], Directory.EnumerateDirectories(disk.Root + "/volumes"));
        files.Open(s_volume, readOnly: false).Dispose();
        files.Destroy(s_volume);
        Assert.Empty(files.List());
    }

    [Fact]
    public void A_volume_with_two_names_is_used_by_the_present_one_and_destroyed_by_both()
    {
        StorageDisk disk = Disk("a");
        MakeVolume(disk, s_volume.FormerName, s_volume);
        MakeVolume(disk, Name(s_volume), s_volume, "present");
        VolumeFiles files = Files(disk);
        using (FileDescriptor open = files.Open(s_volume, readOnly: false))
            Assert.Equal(7, open.Length);
        Assert.Contains(_log, l => l.Contains("event=volume-twice", StringComparison.Ordinal));
        files.Destroy(s_volume);
        Assert.Empty(Directory.EnumerateDirectories(disk.Root + "/volumes"));
    }

    /// <summary>Finding 12: destroying did not look at the lock.</summary>
    [Fact]
    public void A_volume_that_a_machine_still_has_open_is_not_destroyed()
    {
        StorageDisk disk = Disk("a");
        MakeVolume(disk);
        VolumeFiles files = Files(disk);
        using (files.Open(s_volume, readOnly: false))
            Assert.Equal("volume-in-use", Assert.Throws<WorkloadException>(() => files.Destroy(s_volume)).Reason);
        Assert.Single(files.List());
        files.Destroy(s_volume);
        Assert.Empty(files.List());
    }

    private static string Name(WorkloadId volume) => TestNames.Names.Of(volume);

    private StorageDisk Disk(string name)
    {
        Directory.CreateDirectory($"{_base}/{name}");
        return new StorageDisk($"{_base}/{name}");
    }

    private VolumeFiles Files(StorageDisk disk, bool onTrial = false) => Files([disk], onTrial);

    private VolumeFiles Files(StorageDisk[] pool, bool onTrial = false) => new(pool, TestNames.Names, onTrial,
        new Lazy<SparseTemplate>(() => throw new InvalidOperationException("not needed here")), new LineLog(_log.Add));

    private static void MakeVolume(StorageDisk disk) => MakeVolume(disk, Name(s_volume), s_volume);

    private static void MakeVolume(StorageDisk disk, string name, WorkloadId owner, string bytes = "bytes")
    {
        string directory = $"{disk.Root}/volumes/{name}";
        Directory.CreateDirectory(directory);
        File.WriteAllText(directory + "/disk", bytes);
        File.WriteAllText(directory + "/owner", $"{owner.Tenant}\n{owner.Deployment}\n{owner.Name}");
    }
}
