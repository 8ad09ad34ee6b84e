using Xunit;

using ZeroOS.Guest.Disks;
using ZeroOS.Linux;
using ZeroOS.Tests.Linux.Files;

namespace ZeroOS.Tests.Guest.Disks;

/// <summary>The first content of a volume, on plain directories; owners and devices need root.</summary>
[Trait("tier", "kernel")]
public sealed class GuestVolumesTests : IDisposable
{
    private readonly string _base = Path.Combine(Path.GetTempPath(), $"zeroos-seed-{Guid.NewGuid():n}");

    public GuestVolumesTests()
    {
        Directory.CreateDirectory(_base + "/image/srv/data/sub");
        Directory.CreateDirectory(_base + "/volume");
    }

    public void Dispose() => Directory.Delete(_base, recursive: true);

    [SkippableFact]
    public void A_new_volume_gets_the_images_content_with_owners_modes_links_and_devices()
    {
        Skip.IfNot(Environment.UserName == "root", "needs root to give files away");
        string source = _base + "/image/srv/data";
        File.WriteAllText(source + "/file", "content");
        FileNode.MakeHardLink(source + "/second", source + "/file");
        FileNode.MakeLink(source + "/link", "/etc/passwd");
        FileNode.Make(source + "/sub/pipe", NodeKind.Pipe, 0x1A0);
        FileNode.SetOwner(source + "/file", 33, 34);
        FileNode.SetMode(source + "/file", 0x9ED); // set-user-id, 755
        FileNode.SetOwner(source, 999, 998);
        FileNode.SetMode(source, 0x1C0);
        Seed();
        string data = _base + "/volume/data";
        NodeStatus root = FileNode.TryStatus(data)!.Value, file = FileNode.TryStatus(data + "/file")!.Value;
        Assert.Equal((999u, 998u, 0x1C0), (root.User, root.Group, root.Mode));
        Assert.Equal((33u, 34u, 0x9ED, 2ul), (file.User, file.Group, file.Mode, file.Links));
        Assert.Equal(file.Number, FileNode.TryStatus(data + "/second")!.Value.Number);
        Assert.Equal("/etc/passwd", FileNode.ReadLink(data + "/link"));
        Assert.Equal(NodeKind.Pipe, FileNode.TryStatus(data + "/sub/pipe")!.Value.Kind);
        Assert.Equal("content", File.ReadAllText(data + "/file"));
        // Everything else too, as a reader that is not ours sees it.
        Assert.Equal(PosixTree.Describe(source), PosixTree.Describe(data));
        Assert.Equal(File.GetLastWriteTimeUtc(source + "/file"), File.GetLastWriteTimeUtc(data + "/file"));
    }

    [SkippableFact]
    public void What_a_power_cut_left_is_made_afresh()
    {
        Skip.IfNot(Environment.UserName == "root", "needs root to give files away");
        File.WriteAllText(_base + "/image/srv/data/file", "whole");
        Directory.CreateDirectory(_base + "/volume/data.new");
        File.WriteAllText(_base + "/volume/data.new/file", "ha");
        Seed();
        Assert.Equal("whole", File.ReadAllText(_base + "/volume/data/file"));
        Assert.False(Directory.Exists(_base + "/volume/data.new"));
    }

    private void Seed()
    {
        using RootedDirectory root = new(_base + "/image");
        GuestVolumes.Seed(root, "/srv/data", _base + "/volume");
    }
}
