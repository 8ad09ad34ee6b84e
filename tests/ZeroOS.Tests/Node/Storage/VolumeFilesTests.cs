using Xunit;

using ZeroOS.Linux;
using ZeroOS.Node.Identity;
using ZeroOS.Node.Storage;
using ZeroOS.Node.Workloads;

namespace ZeroOS.Tests.Node.Storage;

/// <summary>What needs no mount: volumes and identity on plain directories.</summary>
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

    [Fact]
    public void A_new_identity_is_made_once_and_copied_to_a_disk_that_joins()
    {
        byte[] seed = IdentityStore.LoadOrCreate([Disk("a")]);
        Assert.Equal(32, seed.Length);
        Assert.Equal(seed, IdentityStore.LoadOrCreate([Disk("a", fresh: false), Disk("b")]));
        Assert.Equal(seed, IdentityStore.LoadOrCreate([Disk("b", fresh: false)]));
    }

    [Fact]
    public void An_identity_is_never_replaced_when_it_is_lost_or_disputed()
    {
        StorageDisk used = Disk("a", fresh: false);
        File.WriteAllText(used.Root + "/state/db", "x");
        Assert.Throws<IdentityException>(() => IdentityStore.LoadOrCreate([used, Disk("b")]));
        File.WriteAllText(used.Root + "/state/identity", "damaged");
        Assert.Throws<IdentityException>(() => IdentityStore.LoadOrCreate([used]));

        StorageDisk one = Disk("one"), other = Disk("other");
        byte[] seed = IdentityStore.LoadOrCreate([one]);
        IdentityStore.LoadOrCreate([other]);
        Assert.Throws<IdentityException>(() => IdentityStore.LoadOrCreate([one, other]));
        Assert.Equal(seed, IdentityStore.LoadOrCreate([one]));
    }

    [Fact]
    public void Mutated_identities_are_never_read()
    {
        byte[] good = new IdentityRecord(1, new byte[32]).ToBytes();
        Assert.True(IdentityRecord.TryRead(good, out _));
        Random random = new(9);
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bad = good[..];
            bad[random.Next(bad.Length)] ^= (byte)random.Next(1, 256);
            Assert.False(IdentityRecord.TryRead(bad.AsSpan(0, random.Next(3) == 0 ? random.Next(bad.Length) : bad.Length), out _));
        }
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
