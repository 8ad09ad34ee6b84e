using Xunit;

using ZeroOS.Guest.Disks;
using ZeroOS.Linux;
using ZeroOS.Tests.Linux.Files;
using ZeroOS.Tests.Shared;

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

    /// <summary>By rm: names that are not UTF-8 cannot be deleted from .NET.</summary>
    public void Dispose() => ProgramRun.Of("/bin/rm", "-rf", _base);

    [SkippableFact]
    public void A_new_volume_gets_the_images_content_with_owners_modes_links_and_devices()
    {
        Skip.IfNot(Environment.UserName == "root", "needs root to give files away");
        string source = _base + "/image/srv/data";
        File.WriteAllText(source + "/file", "content");
        FileEntry.MakeHardLink(source + "/second", source + "/file");
        FileEntry.MakeLink(source + "/link", "/etc/passwd");
        FileEntry.Make(source + "/sub/pipe", EntryKind.Pipe, 0x1A0);
        FileEntry.SetOwner(source + "/file", 33, 34);
        FileEntry.SetMode(source + "/file", 0x9ED); // set-user-id, 755
        FileEntry.SetOwner(source, 999, 998);
        FileEntry.SetMode(source, 0x1C0);
        Seed();
        string data = _base + "/volume/data";
        EntryStatus root = FileEntry.TryStatus(data)!.Value, file = FileEntry.TryStatus(data + "/file")!.Value;
        Assert.Equal((999u, 998u, 0x1C0), (root.User, root.Group, root.Mode));
        Assert.Equal((33u, 34u, 0x9ED, 2ul), (file.User, file.Group, file.Mode, file.Links));
        Assert.Equal(file.Number, FileEntry.TryStatus(data + "/second")!.Value.Number);
        Assert.Equal("/etc/passwd", FileEntry.ReadLink(data + "/link"));
        Assert.Equal(EntryKind.Pipe, FileEntry.TryStatus(data + "/sub/pipe")!.Value.Kind);
        Assert.Equal("content", File.ReadAllText(data + "/file"));
        // Everything else too, as a reader that is not ours sees it.
        Assert.Equal(PosixTree.Describe(source), PosixTree.Describe(data));
        Assert.Equal(File.GetLastWriteTimeUtc(source + "/file"), File.GetLastWriteTimeUtc(data + "/file"));
    }

    [SkippableFact]
    public void Names_of_any_bytes_and_holes_survive_the_copy()
    {
        Skip.IfNot(Environment.UserName == "root", "needs root to give files away");
        string source = _base + "/image/srv/data";
        foreach (string name in (string[])["caf\udce9", "caf\u00e9", "\udcff\udcfe", "new\nline", "\U0001F600", "back\\slash"])
        {
            FileEntry.MakeLink($"{source}/to-{name}", name);
            using FileDescriptor file = FileDescriptor.Open($"{source}/{name}", OpenFlags.WriteOnly | OpenFlags.Create, Mode.ReadableByAll);
            file.Write("x"u8);
        }
        using (FileDescriptor sparse = FileDescriptor.Open(source + "/sparse", OpenFlags.WriteOnly | OpenFlags.Create, Mode.ReadableByAll))
        {
            sparse.WriteAt("end"u8, 64 << 20);
            sparse.SetLength(80 << 20);
        }
        Seed();
        SortedDictionary<string, string> copied = PosixTree.Describe(_base + "/volume/data");
        Assert.Equal(PosixTree.Describe(source), copied);
        Assert.Equal(3 + 12, copied.Count); // the directory, one in it, the sparse file; six files and six links
        Assert.InRange(FileEntry.AllocatedBytes(_base + "/volume/data/sparse"), 1, 1 << 20);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Volume_is_shown_read_only_where_that_is_wanted(bool readOnly)
    {
        Skip.IfNot(Environment.UserName == "root", "needs root to mount");
        string data = _base + "/volume/data", shown = _base + "/image/srv/data";
        Directory.CreateDirectory(data);
        File.WriteAllText(data + "/file", "content");
        try
        {
            using (RootedDirectory root = new(_base + "/image"))
                GuestVolumes.Show(data, "/srv/data", readOnly, root);
            Assert.Equal("content", File.ReadAllText(shown + "/file"));
            if (readOnly)
                Assert.ThrowsAny<IOException>(() => File.WriteAllText(shown + "/other", "x"));
            else
                File.WriteAllText(shown + "/other", "x");
            Assert.Equal(!readOnly, File.Exists(data + "/other"));
            File.WriteAllText(data + "/mine", "x");     // the volume itself can be written to
        }
        finally
        {
            _ = Mounts.TryUnmount(shown, detach: true);
        }
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
