using System.Text;
using System.Text.Json;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Tests.Bus.Sessions;
using ZeroOS.Tests.Formats.Tar;
using ZeroOS.Tests.Oci.Build;
using ZeroOS.Tests.Shared;

using BusSession = ZeroOS.Bus.Sessions.Session;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos cp as a script runs it, against a machine that the test plays, hostile or not.</summary>
[Collection("zos")]
[Trait("tier", "kernel")]
public sealed class CopyVerbTests : IAsyncLifetime
{
    private const uint Input = 0, Output = 1;

    private readonly SessionNode _node = new();
    private readonly TemporaryDirectory _work = new();
    private CopyBegin? _begun;
    private byte[] _came = [];

    public async Task InitializeAsync() => (await ZosRun.OfAsync(_work.Path, "key", "new")).Ended(0);

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        _work.Dispose();
    }

    [Fact]
    public async Task File_comes_out_under_the_name_it_is_given()
    {
        Send(new TarBytes().File("passwd", "root").ToArray());
        (await CopyAsync("-L", "shop/web:/etc/passwd", _work["mine"])).Ended(0);
        Assert.Equal("root", File.ReadAllText(_work["mine"]));
        Assert.Equal((SessionKinds.CopyOut, "shop", "web"), (_node.Opened!.Kind, _node.Opened.Deployment, _node.Opened.Machine));
        Assert.Equal(new CopyBegin { Path = "/etc/passwd", FollowLink = true }, _begun);
    }

    [Fact]
    public async Task Tree_comes_out_into_a_directory_that_is_there()
    {
        Directory.CreateDirectory(_work["there"]);
        byte[] big = new byte[3_000_000];
        Random.Shared.NextBytes(big);
        Send(new TarBytes().Directory("d/").Add("d/big", '0', big).SymbolicLink("d/l", "big").File("d/set", "x", "0006755").ToArray(),
            "left out d/null: it is\na device");
        ZosRun run = (await CopyAsync("shop/web:/d", _work["there"])).Ended(0);
        Assert.Equal(big, File.ReadAllBytes(_work["there/d/big"]));
        Assert.Equal("big", new FileInfo(_work["there/d/l"]).LinkTarget);
        Assert.Equal((UnixFileMode)0x1ED, File.GetUnixFileMode(_work["there/d/set"]));
        Assert.Equal("zos: left out d/null: it is?a device\n", run.Error);
    }

    [Fact]
    public async Task Stream_goes_out_byte_for_byte()
    {
        byte[] archive = new TarBytes().File("f", "x").ToArray();
        Send(archive);
        Assert.Equal(Encoding.ASCII.GetString(archive), (await CopyAsync("shop/web:/f", "-")).Ended(0).Out);
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task What_a_hostile_machine_sends_stays_inside(string sentence, byte[] archive)
    {
        Directory.CreateDirectory(_work["to"]);
        Directory.CreateDirectory(_work["secret"]);
        File.WriteAllText(_work["outside"], "outside");
        Send(archive);
        Assert.Contains(sentence, (await CopyAsync("shop/web:/d", _work["to"])).Ended(1).Error, StringComparison.Ordinal);
        Assert.Equal("outside", File.ReadAllText(_work["outside"]));
        Assert.Empty(Directory.GetFileSystemEntries(_work["secret"]));
        Assert.False(File.Exists("/tmp/zeroos-evil"));
    }

    public static TheoryData<string, byte[]> Attacks => new()
    {
        { "climbs", new TarBytes().Directory("d/").File("d/../../outside", "evil").ToArray() },
        { "climbs", new TarBytes().File("..", "evil").ToArray() },
        { "absolute", new TarBytes().Directory("d/").File("/tmp/zeroos-evil", "evil").ToArray() },
        { "lies beside", new TarBytes().Directory("d/").File("outside", "evil").ToArray() },
        { "device", new TarBytes().Directory("d/").Add("d/x", '3', []).ToArray() },
        { "through a symbolic link", new TarBytes().Directory("d/").Directory("d/e/").SymbolicLink("d/l", "e").File("d/l/f", "evil").ToArray() },
        { "is no directory", new TarBytes().Directory("d/").SymbolicLink("d/l", "x").Directory("d/l/").ToArray() },
        { "begins inside", new TarBytes().File("d/f", "evil").ToArray() },
        { "sent nothing", new TarBytes().ToArray() },
        { "where no file is", new TarBytes().Directory("d/").HardLink("d/l", "d/nothing").ToArray() },
        { "ends inside", new TarBytes().Directory("d/").File("d/f", new string('x', 9000)).ToArray()[..4000] },
    };

    [Fact]
    public async Task Link_that_leads_out_is_left_out_and_said()
    {
        Send(new TarBytes().Directory("d/").SymbolicLink("d/l", "../../secret").SymbolicLink("d/m", "/etc").SymbolicLink("d/n", "l").ToArray());
        ZosRun run = (await CopyAsync("shop/web:/d", _work["new"])).Ended(0);
        Assert.Equal(["n"], Directory.GetFileSystemEntries(_work["new"]).Select(Path.GetFileName));
        Assert.Contains("zos: left out new/l: it is a link that leads out, to ../../secret\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_machine_refuses_and_a_session_that_breaks_are_1_and_a_sentence()
    {
        _node.Program = async session =>
        {
            await session.BegunAsync();
            await session.CloseAsync(SessionCloseReason.NotFound, "there is no /x");
        };
        Assert.Equal("zos: shop/web: there is no /x\n", (await CopyAsync("shop/web:/x", _work["y"])).Ended(1).Error);
        Assert.False(File.Exists(_work["y"]));
        _node.Open = async opening =>
        {
            await using BusSession session = await opening.AcceptAsync();
            await session.BegunAsync();
            // Whole as an archive, and yet not all.
            await session.WriteAsync(Output, new TarBytes().File("x", "half").ToArray());
            opening.Cut();
        };
        Assert.Contains("part of it may be copied", (await CopyAsync("shop/web:/x", _work["y"])).Ended(1).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("shop/web:/a", "shop/db:/a")]
    [InlineData("a", "b")]
    [InlineData("-", "-")]
    [InlineData("shop/web:", "b")]
    [InlineData("shop/web:/a")]
    public async Task Wrong_words_are_2_before_anything_is_asked(params string[] words)
    {
        (await CopyAsync(words)).Ended(2);
        Assert.Equal(0, _node.Openings);
    }

    [Fact]
    public async Task File_that_is_not_here_is_said_before_anything_is_asked()
    {
        Assert.Contains("nothing-here", (await CopyAsync(_work["nothing-here"], "shop/web:/")).Ended(1).Error, StringComparison.Ordinal);
        Assert.Equal(0, _node.Openings);
    }

    [Theory]
    [InlineData("d", true, true, "", "d/\nd/e/\nd/e/f\n")]
    [InlineData("d/.", true, true, "", "./\ne/\ne/f\n")]
    [InlineData("d", false, false, "new", "new/\nnew/e/\nnew/e/f\n")]
    [InlineData("d/e/f", true, false, "there", "there\n")]
    [InlineData("d/e/f", true, true, "", "f\n")]
    [InlineData("link", true, true, "", "link\n")]
    [InlineData("link/", true, true, "", "link/\nlink/e/\nlink/e/f\n")]
    public async Task Tree_goes_in_under_the_name_it_gets(string source, bool isThere, bool isDirectory, string name, string names)
    {
        ProgramRun.Of("/bin/sh", "-ec", $"cd {_work.Path}; mkdir -p d/e; echo x > d/e/f; ln -s d link").Succeeded();
        Take(new CopyTarget { IsThere = isThere, IsDirectory = isDirectory, Name = name });
        (await CopyAsync("-a", $"{_work.Path}/{source}", "shop/web:srv")).Ended(0);
        Assert.Equal(new CopyBegin { Path = "/srv", KeepOwners = true }, _begun);
        Assert.Equal(SessionKinds.CopyIn, _node.Opened!.Kind);
        Assert.Equal(names, ProgramRun.Of("tar", "-t", "-f", _work.Write("came.tar", _came)).Succeeded().Output);
    }

    [Fact]
    public async Task Directory_over_a_file_is_refused_and_a_machine_that_refuses_is_believed()
    {
        Directory.CreateDirectory(_work["d"]);
        Take(new CopyTarget { IsThere = true, Name = "f" });
        Assert.Contains("cannot be copied over the file /f", (await CopyAsync(_work["d"], "shop/web:/f")).Ended(1).Error, StringComparison.Ordinal);
        File.WriteAllBytes(_work["big"], new byte[5_000_000]);
        _node.Program = async session =>
        {
            await session.BegunAsync();
            await session.WriteAsync(Output, "{\"isDirectory\":true,\"isThere\":true,\"name\":\"\"}\n"u8.ToArray());
            await session.ReadAsync(Input, new byte[1000]);
            await session.CloseAsync(SessionCloseReason.OverCapacity, "the disk is full");
        };
        Assert.Equal("zos: shop/web: the disk is full\n", (await CopyAsync(_work["big"], "shop/web:/")).Ended(1).Error);
        _node.Program = async session =>
        {
            await session.BegunAsync();
            await session.WriteAsync(Output, "what?\n"u8.ToArray());
            await session.Ended;
        };
        Assert.Contains("does not say what is at the path", (await CopyAsync(_work["big"], "shop/web:/")).Ended(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_goes_in_byte_for_byte_into_a_directory_only()
    {
        byte[] archive = new TarBytes().File("f", new string('x', 100_000)).ToArray();
        Take(new CopyTarget { IsThere = true, IsDirectory = true });
        using MemoryStream input = new(archive);
        (await ZosRun.WithInputAsync(_work.Path, input, null, ["cp", "--node", _node.Address, "-", "shop/web:/"])).Ended(0);
        Assert.Equal(archive, _came);
        Take(new CopyTarget { IsThere = true, Name = "f" });
        Assert.Contains("and /f is none", (await CopyAsync("-", "shop/web:/f")).Ended(1).Error, StringComparison.Ordinal);
    }

    /// <summary>The machine sends a stream, and is done.</summary>
    private void Send(byte[] archive, string? note = null) => _node.Program = async session =>
    {
        _begun = JsonSerializer.Deserialize(await session.BegunAsync(), SessionJson.Default.CopyBegin);
        if (note is not null)
            await session.NoteAsync(note);
        try
        {
            await session.WriteAsync(Output, archive);
            await session.EndAsync(Output);
            await session.CloseAsync(SessionCloseReason.Done);
        }
        catch (SessionException)
        {
            // zos has heard enough
        }
    };

    /// <summary>The machine says what is there, takes a stream, and is done.</summary>
    private void Take(CopyTarget target) => _node.Program = async session =>
    {
        _begun = JsonSerializer.Deserialize(await session.BegunAsync(), SessionJson.Default.CopyBegin);
        await session.WriteAsync(Output, (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(target, SessionJson.Default.CopyTarget), (byte)'\n']);
        using MemoryStream all = new();
        byte[] buffer = new byte[10_000];
        try
        {
            while (await session.ReadAsync(Input, buffer) is > 0 and int count)
                all.Write(buffer, 0, count);
            _came = all.ToArray();
            await session.EndAsync(Output);
            await session.CloseAsync(SessionCloseReason.Done);
        }
        catch (SessionException)
        {
            // zos does not want to
        }
    };

    private Task<ZosRun> CopyAsync(params string[] words) =>
        ZosRun.OfAsync(_work.Path, ["cp", "--node", _node.Address, .. words]).WaitAsync(TimeSpan.FromSeconds(60));
}
