using Xunit;

using ZeroOS.Guest.Boot;
using ZeroOS.Guest.Setup;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Guest.Boot;

/// <summary>On a plain directory that plays /proc/sys.</summary>
public sealed class KernelSettingsTests : IDisposable
{
    private readonly TemporaryDirectory _sys = new();

    public KernelSettingsTests()
    {
        foreach (string file in (string[])["vm/max_map_count", "net/ipv4/ping_group_range", "net/ipv4/conf/eth0.1/forwarding", "net/core/somaxconn"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_sys[file])!);
            File.WriteAllText(_sys[file], "");
        }
    }

    public void Dispose() => _sys.Dispose();

    [Fact]
    public void What_hosts_of_containers_have_comes_first_and_the_deployments_word_counts()
    {
        KernelSettings.Write(new Dictionary<string, string> { ["net.core.somaxconn"] = "1024", ["vm.max_map_count"] = "300000" }, _sys.Path);
        Assert.Equal("0 2147483647", File.ReadAllText(_sys["net/ipv4/ping_group_range"]));
        Assert.Equal("300000", File.ReadAllText(_sys["vm/max_map_count"]));
        Assert.Equal("1024", File.ReadAllText(_sys["net/core/somaxconn"]));
    }

    [Fact]
    public void A_setting_that_is_not_there_is_an_error_that_names_it()
    {
        SetupException e = Assert.Throws<SetupException>(() => KernelSettings.Write(new Dictionary<string, string> { ["vm.nothing"] = "1" }, _sys.Path));
        Assert.Equal(("sysctls", 125), (e.Stage, e.Code));
        Assert.StartsWith("vm.nothing cannot be \"1\"", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_name_leads_out_of_the_folder()
    {
        string outside = _sys.Path + "-outside";
        File.WriteAllText(outside, "safe");
        Assert.Throws<SetupException>(() =>
            KernelSettings.Write(new Dictionary<string, string> { [$"vm/../../{Path.GetFileName(outside)}"] = "1" }, _sys.Path));
        Assert.Equal("safe", File.ReadAllText(outside));
        File.Delete(outside);
    }
}
