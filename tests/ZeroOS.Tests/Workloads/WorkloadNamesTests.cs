using Xunit;

using ZeroOS.Workloads;

namespace ZeroOS.Tests.Workloads;

public sealed class WorkloadNamesTests : IDisposable
{
    private static readonly WorkloadId s_web = new("alice", "shop", "web");
    private readonly string _state = Directory.CreateTempSubdirectory("zeroos-names-").FullName;

    public void Dispose() => Directory.Delete(_state, recursive: true);

    [Fact]
    public void A_name_stays_over_a_restart_and_is_another_on_another_node()
    {
        string here = WorkloadNames.Open(_state).Of(s_web), again = WorkloadNames.Open(_state).Of(s_web),
            elsewhere = WorkloadNames.Open(Path.Combine(_state, "other")).Of(s_web);
        Assert.Equal(here, again);
        Assert.NotEqual(here, elsewhere);
        Assert.Matches("^[0-9a-f]{32}$", here);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_state, "names.key")));
    }

    [Fact]
    public void A_key_that_was_not_finished_is_made_anew()
    {
        File.WriteAllBytes(Path.Combine(_state, "names.key"), [1, 2, 3]);
        File.WriteAllBytes(Path.Combine(_state, "names.key.new"), [1, 2, 3]);
        string name = WorkloadNames.Open(_state).Of(s_web);
        Assert.Equal(name, WorkloadNames.Open(_state).Of(s_web));
        Assert.Equal(WorkloadNames.KeyBytes, new FileInfo(Path.Combine(_state, "names.key")).Length);
    }

    [Fact]
    public void Each_part_of_the_three_names_counts()
    {
        WorkloadNames names = new(new byte[WorkloadNames.KeyBytes]);
        Assert.Equal(4, new[] { s_web, s_web with { Tenant = "bob" }, s_web with { Deployment = "shop2" },
            s_web with { Name = "web2" } }.Select(names.Of).Distinct().Count());
    }
}
