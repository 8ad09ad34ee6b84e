using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using ZeroOS.Bus.Sessions;
using ZeroOS.Cli;
using ZeroOS.Cli.Output;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;
using ZeroOS.Tests.Bus.Sessions;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos exec as a script and as a person at a terminal run it, against a node whose program the test plays.</summary>
[Collection("zos")]
public sealed class ExecVerbTests : IAsyncLifetime
{
    private const uint Input = 0, Output = 1, Errors = 2;

    private readonly SessionNode _node = new();
    private readonly TemporaryDirectory _work = new();
    private ExecBegin? _begun;

    public async Task InitializeAsync() => (await ZosRun.OfAsync(_work.Path, "key", "new")).Ended(0);

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        _work.Dispose();
    }

    [Fact]
    public async Task Output_errors_notes_and_the_exit_code_are_the_programs()
    {
        byte[] output = RandomNumberGenerator.GetBytes(300_000);
        Play(async program =>
        {
            await program.WriteAsync(Errors, "careful\n"u8.ToArray());
            await program.NoteAsync("output closed:\e[2J a child holds it open");
            await program.WriteAsync(Output, Encoding.UTF8.GetBytes(Convert.ToHexString(output)));
        }, code: 3);
        Environment.SetEnvironmentVariable("ZOS_EXEC_TEST", "from here");
        string[] options = ["-e", "A=1", "-e", "ZOS_EXEC_TEST", "-u", "www:www", "-w", "/srv", "--privileged"];
        ZosRun run = (await ExecAsync([.. options, "shop/web", "ls", "-la", "-t", "--", "-e"])).Ended(3);
        Assert.Equal(Convert.ToHexString(output), run.Out);
        Assert.Contains("careful\n", run.Error, StringComparison.Ordinal);
        Assert.Contains("zos: output closed:?[2J a child holds it open\n", run.Error, StringComparison.Ordinal);
        Assert.Equal((SessionKinds.Exec, "shop", "web"), (_node.Opened!.Kind, _node.Opened.Deployment, _node.Opened.Machine));
        Assert.Equal(["ls", "-la", "-t", "--", "-e"], _begun!.Arguments);
        Assert.Equal(["A=1", "ZOS_EXEC_TEST=from here"], _begun.Environment);
        Assert.Equal(("www:www", "/srv", true, false), (_begun.User!, _begun.WorkingDirectory!, _begun.Privileged, _begun.Input));
        Assert.Null(_begun.Terminal);
    }

    [Fact]
    public async Task Input_goes_to_the_program_byte_for_byte_and_its_end_too()
    {
        byte[] sent = RandomNumberGenerator.GetBytes(1_000_003);
        string? came = null;
        Play(async program =>
        {
            using MemoryStream all = new();
            byte[] buffer = new byte[10_000];
            while (await program.ReadAsync(Input, buffer) is > 0 and int count)
                all.Write(buffer, 0, count);
            came = Convert.ToHexString(SHA256.HashData(all.ToArray()));
        });
        using MemoryStream input = new(sent);
        (await ExecAsync(input, null, "-i", "shop/web", "cat")).Ended(0);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(sent)), came);
        Assert.True(_begun!.Input);
    }

    [Fact]
    public async Task Input_that_zos_was_started_without_has_ended()
    {
        string came = "none";
        Play(async program => came = await program.ReadAsync(Input, new byte[10]) == 0 ? "an end" : "bytes");
        string folder = AppContext.BaseDirectory, tests = Path.Combine(folder, "ZeroOS.Tests");
        ProcessStartInfo start = new("sh", ["-c", $"exec dotnet exec --runtimeconfig {tests}.runtimeconfig.json --depsfile {tests}.deps.json "
            + $"{Path.Combine(folder, "zos.dll")} --node {_node.Address} exec -i shop/web cat <&-"]);
        start.Environment["ZOS_CONFIG"] = _work.Path;
        using Process zos = Process.Start(start)!;
        try
        {
            await zos.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        }
        finally
        {
            zos.Kill();
        }
        Assert.Equal((0, "an end"), (zos.ExitCode, came));
    }

    [Fact]
    public async Task A_terminal_that_is_not_there_is_said_before_anything_is_asked()
    {
        ZosRun run = (await ExecAsync("-t", "shop/web", "sh")).Ended(1);
        Assert.StartsWith("zos: -t needs a terminal", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, _node.Openings);
    }

    [Fact]
    public async Task Wrong_words_are_2_before_anything_is_asked()
    {
        (await ExecAsync("shop/web")).Ended(2);
        (await ExecAsync("-w", "srv", "shop/web", "ls")).Ended(2);
        (await ExecAsync("--detach-keys", "ctrl-1", "shop/web", "ls")).Ended(2);
        (await ExecAsync("shop/web", "echo", new string('x', SessionLimits.BodyBytes))).Ended(2);
        Assert.Equal(0, _node.Openings);
    }

    [Fact]
    public async Task What_a_node_refuses_is_125_and_a_sentence()
    {
        _node.Refusal = new BusErrorException(ErrorCodes.Unavailable, "machine web does not run; start it first");
        _node.Open = async opening => await opening.RefuseAsync(await opening.AnswerAsync());
        ZosRun run = (await ExecAsync("shop/web", "ls")).Ended(125);
        Assert.Contains("machine web does not run", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("may have run", run.Error, StringComparison.Ordinal);

        _node.Open = opening => opening.SendAsync(SessionOpening.Head("404 Not Found", 0));
        Assert.Contains("knows no sessions", (await ExecAsync("shop/web", "ls")).Ended(125).Error, StringComparison.Ordinal);
        Assert.Contains("no machine \"web\"", (await ExecAsync("web", "ls")).Ended(125).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Begin_that_is_refused_is_125_and_nothing_has_run()
    {
        _node.Program = async session =>
        {
            await session.BegunAsync();
            await session.CloseAsync(SessionCloseReason.Refused, "there is no user \"nobody\" in this machine");
        };
        ZosRun run = (await ExecAsync("-u", "nobody", "shop/web", "ls")).Ended(125);
        Assert.Equal("zos: the program was not started: there is no user \"nobody\" in this machine\n", run.Error);
    }

    [Theory]
    [InlineData(null, "broke")]
    [InlineData(SessionCloseReason.MachineEnded, "the machine ended")]
    [InlineData(SessionCloseReason.Done, "no exit code")]
    public async Task Session_that_ends_without_the_programs_end_is_125_and_it_may_have_run(SessionCloseReason? reason, string sentence)
    {
        _node.Open = async opening =>
        {
            await using ZeroOS.Bus.Sessions.Session session = await opening.AcceptAsync();
            await session.BegunAsync();
            await session.WriteAsync(Output, "half"u8.ToArray());
            if (reason is { } why)
                await session.CloseAsync(why);
            else
                opening.Cut();
        };
        ZosRun run = (await ExecAsync("shop/web", "ls")).Ended(125);
        // A connection that is cut takes with it what zos has not read.
        Assert.True(run.Out == "half" || (reason is null && run.Out.Length == 0), run.Out);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
        Assert.EndsWith("; the program may have run\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Zos_that_stops_waiting_says_why_to_the_node_and_what_may_go_on_to_the_person()
    {
        TaskCompletionSource<SessionException> end = new();
        _node.Program = async session => end.SetResult(await session.Ended);
        ZosRun run = (await ExecAsync("--timeout", "3", "shop/web", "sleep", "60")).Ended(125);
        Assert.Contains("may go on", run.Error, StringComparison.Ordinal);
        Assert.Equal(SessionCloseReason.Cancelled, (await end.Task.WaitAsync(TimeSpan.FromSeconds(30))).Reason);
    }

    [Fact]
    public async Task Output_that_nobody_reads_ends_zos_without_a_word()
    {
        Play(async program =>
        {
            await program.WriteAsync(Output, "y\n"u8.ToArray());
            await program.Ended;
        });
        (FileDescriptor read, FileDescriptor write) = Pipe.Make();
        read.Dispose();
        using DescriptorStream output = new(write, "standard output");
        StringWriter error = new();
        Assert.Equal(141, await CommandLine.RunAsync(["exec", "--node", _node.Address, "shop/web", "yes"],
            new Terminal(TextWriter.Null, error, output, Stream.Null, interactive: false, _ => null)));
        Assert.Equal("", error.ToString());
    }

    [SkippableTheory]
    [Trait("tier", "kernel")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Terminal_is_raw_while_the_program_has_it_and_then_as_it_was(bool breaks)
    {
        using TestTerminal terminal = TestTerminal.Open(columns: 132, rows: 43);
        string before = terminal.Settings(), during = "";
        byte[] typed = new byte[16];
        int length = 0;
        List<(int, int)> sizes = [];
        _node.Open = async opening =>
        {
            await using ZeroOS.Bus.Sessions.Session program = await opening.AcceptAsync();
            _begun = JsonSerializer.Deserialize(await program.BegunAsync(), SessionJson.Default.ExecBegin);
            sizes.Add((await program.Events.ReadAsync()).Size);
            during = terminal.Settings();
            terminal.Type([(byte)'a', 3]);     // Ctrl-C, and no end of a line
            while (length < 2)
                length += await program.ReadAsync(Input, typed.AsMemory(length));
            terminal.Resize(columns: 80, rows: 25);
            sizes.Add((await program.Events.ReadAsync()).Size);
            await program.NoteAsync("slow\nnews");
            await program.WriteAsync(Output, "\e[1mbye\r\n"u8.ToArray());
            if (breaks)
            {
                opening.Cut();
                return;
            }
            await program.ExitAsync(Input, 5);
            await program.CloseAsync(SessionCloseReason.Done);
        };
        ZosRun run = (await ExecAsync(terminal.Reader, terminal.Descriptor, "-it", "shop/web", "sh")).Ended(breaks ? 125 : 5);
        Assert.Equal(new TerminalSize(132, 43), _begun!.Terminal);
        Assert.Equal([(132, 43), (80, 25)], sizes);
        Assert.Equal(new byte[] { (byte)'a', 3 }, typed[..length]);
        Assert.Equal("\e[1mbye\r\n", run.Out);
        Assert.Contains("\r\nzos: slow?news\r\n", run.Error, StringComparison.Ordinal);
        Assert.NotEqual(before, during);
        Assert.Equal(before, terminal.Settings());
    }

    /// <summary>The program reads its begin, does this, and ends.</summary>
    private void Play(Func<ZeroOS.Bus.Sessions.Session, Task> program, int code = 0) => _node.Program = async session =>
    {
        _begun = JsonSerializer.Deserialize(await session.BegunAsync(), SessionJson.Default.ExecBegin);
        await program(session);
        await session.EndAsync(Output);
        await session.EndAsync(Errors);
        await session.ExitAsync(Input, code);
        await session.CloseAsync(SessionCloseReason.Done);
    };

    private Task<ZosRun> ExecAsync(params string[] words) => ExecAsync(Stream.Null, null, words);

    private Task<ZosRun> ExecAsync(Stream input, FileDescriptor? keyboard, params string[] words) =>
        ZosRun.WithInputAsync(_work.Path, input, keyboard, ["exec", "--node", _node.Address, .. words]).WaitAsync(TimeSpan.FromSeconds(60));
}
