using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Disks;
using ZeroOS.Linux;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Guest.Disks;

/// <summary>On a plain directory that plays the root; owners need root.</summary>
[Trait("tier", "kernel")]
public sealed class GuestFilesTests : IDisposable
{
    private readonly TemporaryDirectory _root = new();

    public void Dispose() => _root.Dispose();

    [SkippableFact]
    public void A_file_is_made_with_its_folders_owner_and_mode_and_replaces_what_was_there()
    {
        Skip.IfNot(Environment.UserName == "root", "needs root to give files away");
        Write(new GuestFile { Path = "/srv/deep/app.conf", Content = "one"u8.ToArray(), Mode = 0x1A0, User = "33:44" });
        Write(new GuestFile { Path = "/srv/deep/app.conf", Content = "two"u8.ToArray(), Mode = 0x1A0, User = "33:44" });
        EntryStatus status = FileEntry.TryStatus(_root["srv/deep/app.conf"])!.Value;
        Assert.Equal((33u, 44u, 0x1A0, "two"), (status.User, status.Group, status.Mode, File.ReadAllText(_root["srv/deep/app.conf"])));
        Assert.Equal(["app.conf"], FileEntry.Names(_root["srv/deep"]));
    }

    [SkippableFact]
    public void No_link_leads_out_and_a_pipe_or_link_in_its_place_is_replaced_and_a_directory_is_not()
    {
        Skip.IfNot(Environment.UserName == "root", "needs root to give files away");
        using TemporaryDirectory outside = new();
        System.IO.File.WriteAllText(outside["secret"], "safe");
        FileEntry.MakeLink(_root["out"], outside.Path);
        FileEntry.MakeLink(_root["link"], outside["secret"]);
        FileEntry.Make(_root["pipe"], EntryKind.Pipe, 0x1A0);
        Directory.CreateDirectory(_root["directory"]);
        Assert.Throws<LinuxException>(() => Write(File("/out/secret")));
        Write(File("/link"));
        Write(File("/pipe"));
        Assert.Throws<LinuxException>(() => Write(File("/directory")));
        Assert.Equal("safe", System.IO.File.ReadAllText(outside["secret"]));
        Assert.Equal("new", System.IO.File.ReadAllText(_root["link"]));
        Assert.Equal(EntryKind.File, FileEntry.TryStatus(_root["pipe"])!.Value.Kind);

        static GuestFile File(string path) => new() { Path = path, Content = "new"u8.ToArray(), Mode = 0x1A4 };
    }

    private void Write(GuestFile file)
    {
        using RootedDirectory root = new(_root.Path);
        GuestFiles.Write([file], root);
    }
}
