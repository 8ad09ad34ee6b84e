using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Output;
using ZeroOS.Guest.Sessions;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;
using ZeroOS.Tests.Formats.Tar;
using ZeroOS.Tests.Shared;
using ZeroOS.Tests.Trees;

namespace ZeroOS.Tests.Guest.Sessions;

/// <summary>Copies inside the guest: the test is the client, and a folder is the workload's root.</summary>
[Trait("tier", "kernel")]
public sealed class CopySessionTests : IDisposable
{
    private readonly TreeBench _bench = new();
    private readonly PlayedProgram _program = new();
    private readonly List<PlainClient> _clients = [];
    private readonly GuestSessions _sessions;
    private StreamSocket? _next;
    private bool _ended;

    public CopySessionTests()
    {
        _sessions = new GuestSessions(Dial);
        WorkloadStreams workload = new(_program.Child, _program.Streams, new OutputRing(4096, TimeSpan.FromSeconds(1)));
        _sessions.Open(SessionKind.All(workload, _ => throw new NotSupportedException(), () => _ended ? null : new RootedDirectory(_bench.From), "/tmp"));
    }

    public void Dispose()
    {
        _clients.ForEach(c => c.Dispose());
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        _program.Dispose();
        _bench.Dispose();
    }

    [Fact]
    public void Tree_comes_out_as_tar_reads_it()
    {
        _bench.Make("mkdir -p srv/d; head -c 3000000 /dev/urandom > srv/d/big; echo x > srv/f; ln -s f srv/l");
        byte[] archive = CopyOut("/srv", out List<string> others);
        Assert.Empty(others.Where(o => !o.StartsWith("Window", StringComparison.Ordinal)));
        _bench.Tar("-xp", archive);
        Assert.Equal(_bench.List(_bench.From), _bench.List(_bench.To));
        Assert.Equal(File.ReadAllBytes(_bench.From + "/srv/d/big"), File.ReadAllBytes(_bench.To + "/srv/d/big"));
    }

    [Theory]
    [InlineData("/srv/link", false, "link\n")]
    [InlineData("/srv/link", true, "link/\nlink/f\n")]
    [InlineData("/srv/link/", false, "link/\nlink/f\n")]
    [InlineData("/srv/link/.", false, "./\n./f\n")]
    [InlineData("/srv/link/f", false, "f\n")]
    [InlineData("/srv/../srv/d/../../../srv/d", false, "d/\nd/f\n")]
    [InlineData("/", false, "./\n./srv/\n./srv/link\n./srv/out\n./srv/d/\n./srv/d/f\n")]
    [InlineData("/srv/out/outside", true, "outside\n")]
    public void Path_is_the_workloads(string path, bool follow, string names)
    {
        // "out" leads beside the root for everybody but who resolves it inside.
        _bench.Make("mkdir -p srv/d; echo x > srv/d/f; ln -s /srv/d srv/link; ln -s ../.. srv/out");
        if (path.EndsWith("outside", StringComparison.Ordinal))
            _bench.Make("echo inside > outside");
        string listed = _bench.Tar("-t", CopyOut(path, out _, follow));
        Assert.Equal(names, listed);
    }

    [Theory]
    [InlineData("/srv/nothing", "Close NotFound")]
    [InlineData("/nowhere/at/all", "Close NotFound")]
    [InlineData("/srv/f/", "Close NotFound")]
    [InlineData("/srv/circle/", "Close Refused")]
    [InlineData("/srv/out/outside", "Close NotFound")]
    [InlineData("srv", "Close Refused the path is not absolute")]
    [InlineData("/a\0b", "Close Refused the path has a zero byte")]
    public void What_is_not_there_is_a_sentence(string path, string sentence)
    {
        _bench.Make("mkdir srv; echo x > srv/f; ln -s circle srv/circle; ln -s ../../.. srv/out");
        PlainClient client = Dialled("copy-out");
        client.Begin(new CopyBegin { Path = path });
        Assert.StartsWith(sentence, client.Next(), StringComparison.Ordinal);
    }

    [Fact]
    public void Begin_that_is_none_and_a_workload_that_has_ended_are_sentences()
    {
        PlainClient client = Dialled("copy-in");
        client.Send(SessionFrame.SessionChannel, SessionFrameType.Begin, "{\"path\":\"/\",\"more\":1}"u8);
        Assert.StartsWith("Close Refused what is to be done cannot be read", client.Next(), StringComparison.Ordinal);
        client = Dialled("copy-in");
        client.Begin(new CopyBegin { Path = "/" + new string('x', CopyBegin.MaxPathBytes) });
        Assert.StartsWith("Close Refused the path has more than", client.Next(), StringComparison.Ordinal);
        _ended = true;
        client = Dialled("copy-out");
        client.Begin(new CopyBegin { Path = "/" });
        Assert.Equal("Close Refused the workload has ended", client.Next());
    }

    [Fact]
    public void Client_that_stops_reading_makes_the_copy_wait_and_its_end_ends_it()
    {
        _bench.Make("head -c 1000000 /dev/zero > big");
        PlainClient client = Dialled("copy-out");
        client.Begin(new CopyBegin { Path = "/big" });
        client.Data(1, SessionLimits.FirstWindow);
        Assert.Equal("nothing", client.Next(50));
        client.Dispose();
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        client = Dialled("copy-out");
        client.Begin(new CopyBegin { Path = "/big" });
        client.Data(1, SessionLimits.FirstWindow);
        client.Send(1, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Cancelled, ""));
        Assert.Equal("Close Cancelled the client wants no more", client.Next());
    }

    [Fact]
    public void Copies_at_once_are_few()
    {
        _bench.Make("head -c 1000000 /dev/zero > big");
        PlainClient[] clients = [.. Enumerable.Range(0, CopyPlaces.Most).Select(_ => Dialled("copy-out"))];
        foreach (PlainClient client in clients)
        {
            client.Begin(new CopyBegin { Path = "/big" });
            client.Data(1, SessionLimits.FirstWindow);
        }
        PlainClient more = Dialled("copy-in");
        more.Begin(new CopyBegin { Path = "/" });
        Assert.StartsWith("Close OverCapacity", more.Next(), StringComparison.Ordinal);
        clients[0].Send(1, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Cancelled, ""));
        Assert.StartsWith("Close Cancelled", clients[0].Next(), StringComparison.Ordinal);
        Assert.NotEmpty(CopyOut("/big", out _));
    }

    [Theory]
    [InlineData("/srv", true, true, "")]
    [InlineData("/srv/", true, true, "")]
    [InlineData("/srv/link", true, false, "f")]
    [InlineData("/srv/f", true, false, "f")]
    [InlineData("/srv/new", false, false, "new")]
    [InlineData("/srv/dangling", false, false, "later")]
    [InlineData("/srv/up", true, true, "")]
    public void Target_is_told_with_links_followed_inside(string path, bool isThere, bool isDirectory, string name)
    {
        _bench.Make("mkdir srv; echo x > srv/f; ln -s f srv/link; ln -s /later srv/dangling; ln -s ../../../../.. srv/up");
        PlainClient client = Dialled("copy-in");
        Assert.Equal(new CopyTarget { IsThere = isThere, IsDirectory = isDirectory, Name = name }, Begin(client, path));
    }

    [Fact]
    public void Tree_of_tar_comes_in()
    {
        ProgramRun.Of("/bin/sh", "-ec", $"cd {_bench.To}; mkdir -p d/e; head -c 3000000 /dev/urandom > d/e/big; echo x > d/f; ln -s f d/l; ln d/f d/g; "
            + "tar -c -f ../in.tar d").Succeeded();
        PlainClient client = Dialled("copy-in");
        Begin(client, "/");
        client.SendAll(File.ReadAllBytes(_bench.To + "/../in.tar"));
        Assert.Equal(["HalfClose 1", "Close Done"], client.Ends());
        Assert.Equal(File.ReadAllBytes(_bench.To + "/d/e/big"), File.ReadAllBytes(_bench.From + "/d/e/big"));
        Assert.Equal(2ul, FileEntry.TryStatus(_bench.From + "/d/f")!.Value.Links);
        Assert.Equal("f", new FileInfo(_bench.From + "/d/l").LinkTarget);
    }

    [SkippableFact]
    public void Files_are_roots_unless_their_owners_are_to_be_kept()
    {
        Skip.IfNot(Environment.UserName == "root", "needs root");
        Directory.CreateDirectory(_bench.From + "/a");
        Directory.CreateDirectory(_bench.From + "/b");
        byte[] archive = new TarBytes().File("f", "x", "0006755").ToArray();
        PlainClient client = Dialled("copy-in");
        Begin(client, "/a");
        client.SendAll(archive);
        Assert.Equal(["HalfClose 1", "Close Done"], client.Ends());
        client = Dialled("copy-in");
        Begin(client, "/b", keepOwners: true);
        client.SendAll(archive);
        Assert.Equal(["HalfClose 1", "Close Done"], client.Ends());
        Assert.Equal((0u, 0u, 0x1ED), Of("/a/f"));
        Assert.Equal((1u, 2u, 0x1ED), Of("/b/f"));

        (uint, uint, int) Of(string path) => FileEntry.TryStatus(_bench.From + path) is { } s ? (s.User, s.Group, s.Mode) : default;
    }

    [Theory]
    [MemberData(nameof(TreeUnpackerTests.Attacks), MemberType = typeof(TreeUnpackerTests))]
    public void Attack_changes_nothing_although_good_files_come_before_it(string attack, byte[] archive)
    {
        Assert.NotEmpty(attack);
        PlainClient client = Dialled("copy-in");
        Begin(client, "/");
        client.SendAll([.. new TarBytes().File("good", "x").ToArrayUnclosed(), .. archive]);
        Assert.Matches("Close (Refused|OverCapacity) ", client.Ends()[^1]);
        Assert.Equal("", _bench.List(_bench.From));
        _bench.AssertOutside();
    }

    [Fact]
    public void Link_of_the_archive_is_not_followed_and_it_is_said_how_far_the_copy_got()
    {
        PlainClient client = Dialled("copy-in");
        Begin(client, "/");
        client.SendAll(new TarBytes().File("good", "x").SymbolicLink("l", "..").File("l/outside", "evil").File("never", "x").ToArray());
        Assert.Equal("Close Refused 2 of 4 entries are there, and no more: l leads through a symbolic link", client.Ends()[^1]);
        _bench.AssertOutside();
        Assert.False(File.Exists(_bench.From + "/never"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Stream_that_the_client_does_not_end_in_order_changes_nothing(bool closes)
    {
        PlainClient client = Dialled("copy-in");
        Begin(client, "/");
        client.SendAll(new TarBytes().File("f", "x").ToArray(), end: false);
        if (closes)
        {
            client.Send(0, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Cancelled, ""));
            Assert.Equal("Close Cancelled the client wants no more", client.Ends()[^1]);
        }
        else
        {
            client.Dispose();
        }
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        Assert.Equal("", _bench.List(_bench.From));
    }

    [Fact]
    public void Stream_beyond_the_limit_changes_nothing()
    {
        GuestSessions small = new(Dial);
        small.Open(new Dictionary<string, SessionKind>
        {
            ["copy-in"] = new(2, () => new SessionOrders(), (link, orders) => new CopyPlaces(() => new RootedDirectory(_bench.From)).Run(
                orders.WaitForBegin(link)!, link, (root, begin) => new CopyInSession(link, orders, "/tmp") { SpoolBytes = 100_000 }.Run(root, begin))),
        });
        PlainClient client = Dialled("copy-in", small);
        Begin(client, "/");
        client.SendAll(new TarBytes().File("f", new string('x', 200_000)).ToArray());
        Assert.Equal("Close OverCapacity more than 100000 bytes at once are not taken", client.Ends()[^1]);
        Assert.Equal("", _bench.List(_bench.From));
        small.WaitUntilNone(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Copies_end_with_the_machine()
    {
        PlainClient client = Dialled("copy-in");
        Begin(client, "/");
        _sessions.End();
        Assert.Equal("Close MachineEnded the machine ended", client.Next());
    }

    private byte[] CopyOut(string path, out List<string> others, bool follow = false)
    {
        others = [];
        PlainClient client = Dialled("copy-out");
        client.Begin(new CopyBegin { Path = path, FollowLink = follow });
        byte[] archive = client.ReadToEnd(others);
        Assert.Equal("Close Done", client.Ends()[^1]);
        return archive;
    }

    private static CopyTarget Begin(PlainClient client, string path, bool keepOwners = false)
    {
        client.Begin(new CopyBegin { Path = path, KeepOwners = keepOwners });
        return JsonSerializer.Deserialize(Encoding.UTF8.GetBytes(client.Until(1, "\n")), SessionJson.Default.CopyTarget)!;
    }

    private PlainClient Dialled(string kind, GuestSessions? sessions = null)
    {
        (StreamSocket guest, StreamSocket node) = StreamSocket.Pair();
        _next = guest;
        (sessions ?? _sessions).Dial(new GuestSession { Kind = kind, Token = new byte[GuestProtocol.TokenBytes] }, new byte[GuestProtocol.SecretBytes]);
        PlainClient client = new(node, channels: 2);
        _clients.Add(client);
        client.Introduction();
        return client;
    }

    private StreamSocket? Dial(out Errno errno)
    {
        errno = Errno.None;
        return _next;
    }
}
