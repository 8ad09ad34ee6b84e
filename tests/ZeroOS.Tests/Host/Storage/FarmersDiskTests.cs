using Xunit;

using ZeroOS.Host.Storage;
using ZeroOS.Tests.Formats;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>
/// "I wiped it and it still says no disks": what public reports are about. Each disk is refused, untouched, and named by what is really on it.
/// </summary>
public sealed class FarmersDiskTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"zeroos-farmers-disk-{Guid.NewGuid():n}");

    public static TheoryData<string> Names => [.. FarmersDisk.All.Keys];

    public void Dispose() => File.Delete(_path);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_disk_that_was_used_is_foreign_and_says_all_that_is_on_it(string name)
    {
        FarmersDisk.Make(name, _path);
        DiskFinding found = Probe();
        Assert.Equal((DiskState.Foreign, "holds " + FarmersDisk.All[name].Holds), (found.State, found.Reason));
        Assert.Contains("blkdiscard -z -f", found.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("intel rst")]
    [InlineData("ddf")]
    public void A_member_of_a_controllers_RAID_says_that_the_RAID_goes_first(string name)
    {
        FarmersDisk.Make(name, _path);
        Assert.StartsWith("delete the RAID in the set-up of its controller, then", Probe().Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void What_no_wiping_helps_against_has_no_remedy()
    {
        FarmersDisk.Make("gpt", _path);
        Assert.Null(DiskProbe.Classify(new BlockDisk("sr", _path, "", FarmersDisk.Size, IsRemovable: true, IsReadOnly: false)).Remedy);
        DiskFinding locked = DiskProbe.Classify(new BlockDisk("vdz", _path, "", FarmersDisk.Size, IsRemovable: false, IsReadOnly: true));
        Assert.Equal((null, "read-only, and holds a GPT partition table and the backup of a GPT partition table"), (locked.Remedy, locked.Reason));
    }

    /// <summary>The tools themselves are the judges: what they write has its name, and what wipefs leaves is still foreign.</summary>
    [SkippableTheory]
    [InlineData("an ext file system", "mke2fs", "-q", "-t", "ext4")]
    [InlineData("a btrfs file system", "mkfs.btrfs", "-q")]
    [InlineData("a FAT file system", "mkfs.vfat")]
    [InlineData("swap space", "mkswap")]
    [InlineData("a GPT partition table and the backup of a GPT partition table", "sgdisk", "-o")]
    public void What_the_systems_own_tools_write_is_named_and_wipefs_does_not_empty_it(string what, string program, params string[] arguments)
    {
        using (FileStream file = File.Create(_path))
            file.SetLength(FarmersDisk.Size);
        Judge.Need(program, "wipefs");
        Skip.IfNot(ProgramRun.Of(program, [.. arguments, _path]).Code == 0, $"{program} makes nothing here");
        Assert.StartsWith("holds " + what, Probe().Reason, StringComparison.Ordinal);
        ProgramRun.Of("wipefs", "-a", "-q", _path).Succeeded();
        Assert.Equal(DiskState.Foreign, Probe().State);
    }

    private DiskFinding Probe() => DiskProbe.Classify(new BlockDisk("vdz", _path, "", FarmersDisk.Size, IsRemovable: false, IsReadOnly: false));
}
