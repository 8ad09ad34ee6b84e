using Xunit;

using ZeroOS.Linux;

namespace ZeroOS.Tests.Linux.Files;

public sealed class RootedDirectoryTests : IDisposable
{
    private readonly string _base = Path.Combine(Path.GetTempPath(), $"zeroos-rooted-{Guid.NewGuid():n}");
    private readonly RootedDirectory _root;

    public RootedDirectoryTests()
    {
        Directory.CreateDirectory(_base + "/root/etc");
        File.WriteAllText(_base + "/outside", "outside");
        _root = new RootedDirectory(_base + "/root");
    }

    public void Dispose()
    {
        _root.Dispose();
        Directory.Delete(_base, recursive: true);
    }

    [Theory]
    [InlineData("/etc/link", "../../../../../../outside")]
    [InlineData("/etc/link", "/outside")]
    public void A_link_out_of_the_root_stays_inside(string link, string target)
    {
        File.CreateSymbolicLink(_base + "/root" + link, target);
        Assert.Null(_root.TryReadText(link, 100));
        File.WriteAllText(_base + "/root/outside", "inside");
        Assert.Equal("inside", _root.TryReadText(link, 100));
    }

    [Fact]
    public void A_file_longer_than_allowed_is_not_read()
    {
        File.WriteAllText(_base + "/root/etc/passwd", "12345");
        Assert.Equal("12345", _root.TryReadText("/etc/passwd", 5));
        Assert.Null(_root.TryReadText("/etc/passwd", 4));
    }

    [Fact]
    public void Missing_directories_are_made_inside_and_links_on_the_way_are_followed_inside()
    {
        File.CreateSymbolicLink(_base + "/root/var", "/etc");
        _root.MakeDirectory("/var/a/b", out bool made).Dispose();
        Assert.True(made);
        Assert.True(Directory.Exists(_base + "/root/etc/a/b"));
        _root.MakeDirectory("/var/a/b", out made).Dispose();
        Assert.False(made);
    }

    [Theory]
    [InlineData("../run/systemd/resolv.conf", "/run/systemd/resolv.conf")]
    [InlineData("/run/resolv.conf", "/run/resolv.conf")]
    [InlineData("../../../../up", "/up")]
    public void A_link_to_nowhere_gets_its_file_inside(string target, string made)
    {
        File.CreateSymbolicLink(_base + "/root/etc/resolv.conf", target);
        _root.MakeFile("/etc/resolv.conf").Dispose();
        Assert.True(File.Exists(_base + "/root" + made));
        Assert.False(File.Exists(_base + made));
    }

    [Fact]
    public void A_loop_of_links_is_refused()
    {
        File.CreateSymbolicLink(_base + "/root/etc/a", "b");
        File.CreateSymbolicLink(_base + "/root/etc/b", "a");
        Assert.Equal(Errno.ELOOP, Assert.Throws<LinuxException>(() => _root.MakeFile("/etc/a")).Errno);
    }
}
