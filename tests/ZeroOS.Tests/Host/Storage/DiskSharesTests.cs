using ZeroOS.Host.Storage;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Host.Storage;

public sealed class DiskSharesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("zeroos-shares").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_disk_is_told_by_its_number_and_one_that_is_not_there_is_no_fault()
    {
        Directory.CreateDirectory($"{_folder}/vda");
        File.WriteAllText($"{_folder}/vda/dev", "254:0\n");
        File.WriteAllText($"{_folder}/io.cost.qos", "");
        DiskShares shares = new(_folder, _folder);
        Assert.Equal(Errno.None, shares.Enable("vda"));
        Assert.Equal("254:0 enable=1", File.ReadAllText($"{_folder}/io.cost.qos"));
        Assert.Equal(Errno.ENOENT, shares.Enable("vdb"));
        Assert.Equal(Errno.ENOENT, new DiskShares(_folder, $"{_folder}/none").Enable("vda"));
    }
}
