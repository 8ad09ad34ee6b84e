using System.Globalization;
using System.Text;
using System.Text.Json;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;
using ZeroOS.Tests.Bus.Sessions;
using ZeroOS.Tests.Oci.Build;

using Signum = Mono.Unix.Native.Signum;
using Syscall = Mono.Unix.Native.Syscall;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos attach as a script and as a person at a terminal run it, against a node whose program the test plays.</summary>
[Collection("zos")]
public sealed class AttachVerbTests : IAsyncLifetime
{
    private const uint Input = 0, Output = 1, Errors = 2;
    private static readonly AttachedProgram s_piped = new() { Stdin = true }, s_onTerminal = new() { Stdin = true, Tty = true };

    // A shell starts what it runs in the background with SIGINT ignored, and so it stays for all that this starts.
    private static readonly Signum s_asks = IgnoresInterrupts() ? Signum.SIGTERM : Signum.SIGINT;

    private readonly SessionNode _node = new();
    private readonly TemporaryDirectory _work = new();

    public async Task InitializeAsync() => (await ZosRun.OfAsync(_work.Path, "key", "new")).Ended(0);

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        _work.Dispose();
    }

    [Fact]
    public async Task Output_errors_input_and_the_exit_code_are_the_programs()
    {
        string? came = null;
        Play(s_piped, async program =>
        {
            await program.WriteAsync(Output, "out\n"u8.ToArray());
            await program.WriteAsync(Errors, "oops\n"u8.ToArray());
            came = await ReadAllAsync(program);
            return 3;
        });
        using MemoryStream input = new("hello\n"u8.ToArray());
        ZosRun run = (await AttachAsync(input, null, "shop/web")).Ended(3);
        Assert.Equal(("out\n", "oops\n", "hello\n"), (run.Out, run.Error, came));
        Assert.Equal((SessionKinds.Attach, "shop", "web"), (_node.Opened!.Kind, _node.Opened.Deployment, _node.Opened.Machine));
    }

    [Theory]
    [InlineData(true, "--no-stdin")]
    [InlineData(false)]
    public async Task Input_goes_nowhere_when_nobody_wants_it(bool takesInput, params string[] options)
    {
        string came = "none";
        Play(new AttachedProgram { Stdin = takesInput }, async program =>
        {
            Task<string> reading = ReadAllAsync(program);
            await program.WriteAsync(Output, "x"u8.ToArray());
            if (await Task.WhenAny(reading, Task.Delay(200)) == reading)
                came = await reading;
            return 0;
        });
        using MemoryStream input = new("hello\n"u8.ToArray());
        Assert.Equal("x", (await AttachAsync(input, null, [.. options, "shop/web"])).Ended(0).Out);
        Assert.Equal("none", came);
    }

    [Fact]
    public async Task Ctrl_C_without_a_terminal_is_the_programs_and_the_third_one_ends_zos()
    {
        TaskCompletionSource<SessionException> end = new();
        List<int> signals = [];
        _node.Program = async program =>
        {
            await TellAsync(program, s_piped);
            Assert.Equal(1, await program.ReadAsync(Input, new byte[1]));       // zos is at it
            for (int i = 0; i < 3; i++)
            {
                Assert.Equal(0, Syscall.kill(Syscall.getpid(), s_asks));
                if (i < 2)
                    signals.Add((await program.Events.ReadAsync()).SignalNumber);
            }
            end.SetResult(await program.Ended);
        };
        using MemoryStream input = new("x"u8.ToArray());
        ZosRun run = (await AttachAsync(input, null, "shop/web")).Ended(130);
        Assert.Contains("shop/web runs on", run.Error, StringComparison.Ordinal);
        Assert.Equal([(int)s_asks, (int)s_asks], signals);
        Assert.Equal(SessionCloseReason.Cancelled, (await end.Task.WaitAsync(TimeSpan.FromSeconds(30))).Reason);
    }

    [Fact]
    public async Task Ctrl_C_that_is_not_the_programs_ends_zos_and_the_program_runs_on()
    {
        _node.Program = async program =>
        {
            await TellAsync(program, s_piped);
            await program.WriteAsync(Output, new byte[SessionLimits.FirstWindow + 1]);      // more than waits unread: zos is at it
            while (!program.Ended.IsCompleted)
            {
                Assert.Equal(0, Syscall.kill(Syscall.getpid(), s_asks));
                await Task.WhenAny(program.Ended, Task.Delay(100));
            }
        };
        ZosRun run = (await AttachAsync(Stream.Null, null, "--sig-proxy=false", "--no-stdin", "shop/web")).Ended(130);
        Assert.Contains("shop/web runs on", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SessionCloseReason.OverCapacity, "16 clients are attached")]
    [InlineData(SessionCloseReason.Refused, "the program has ended")]
    public async Task What_the_machine_refuses_is_125_and_a_sentence(SessionCloseReason reason, string sentence)
    {
        _node.Program = async program =>
        {
            await program.BegunAsync();
            await program.CloseAsync(reason, sentence);
        };
        Assert.Equal($"zos: not attached: {sentence}\n", (await AttachAsync(Stream.Null, null, "shop/web")).Ended(125).Error);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"tty":"yes"}""")]
    [InlineData("")]
    public async Task Machine_that_does_not_say_what_its_program_is_like_is_not_believed(string said)
    {
        _node.Program = async program =>
        {
            await program.BegunAsync();
            await program.WriteAsync(Input, Encoding.UTF8.GetBytes(said));
            await program.EndAsync(Input);
            await program.Ended;
        };
        Assert.Contains("does not say what its program is like", (await AttachAsync(Stream.Null, null, "shop/web")).Ended(125).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Session_that_breaks_is_125_and_no_exit_code_of_the_program()
    {
        _node.Open = async opening =>
        {
            await using Session program = await opening.AcceptAsync();
            await TellAsync(program, s_piped);
            opening.Cut();
        };
        (await AttachAsync(Stream.Null, null, "--no-stdin", "shop/web")).Ended(125);
    }

    [SkippableTheory]
    [Trait("tier", "kernel")]
    [InlineData("exec")]
    [InlineData("attach")]
    public async Task Person_at_a_terminal_leaves_by_keys_and_the_program_is_told_so(string verb)
    {
        using TestTerminal terminal = TestTerminal.Open(columns: 132, rows: 43);
        string before = terminal.Settings();
        TaskCompletionSource<SessionException> end = new();
        byte[] typed = new byte[16];
        int length = 0;
        (int, int) size = default;
        _node.Program = async program =>
        {
            if (verb == "attach")
                await TellAsync(program, s_onTerminal);
            else
                await program.BegunAsync();
            size = (await program.Events.ReadAsync()).Size;
            terminal.Type([(byte)'a', 16, (byte)'b', 3]);
            while (length < 4)
                length += await program.ReadAsync(Input, typed.AsMemory(length));
            terminal.Type([16]);
            terminal.Type([17]);
            end.SetResult(await program.Ended);
        };
        string[] words = verb == "attach" ? ["shop/web"] : ["-it", "shop/web", "sh"];
        ZosRun run = (await RunAsync(terminal.Reader, terminal.Descriptor, [verb, "--node", _node.Address, .. words])).Ended(0);
        Assert.Contains("runs on", run.Error, StringComparison.Ordinal);
        Assert.Equal((132, 43), size);
        Assert.Equal(new byte[] { (byte)'a', 16, (byte)'b', 3 }, typed[..length]);
        Assert.Equal(SessionCloseReason.Done, (await end.Task.WaitAsync(TimeSpan.FromSeconds(30))).Reason);
        Assert.Equal(before, terminal.Settings());
    }

    private static async Task TellAsync(Session program, AttachedProgram told)
    {
        Assert.Equal("{\"fromStart\":false}", Encoding.UTF8.GetString(await program.BegunAsync()));
        await program.WriteAsync(Input, JsonSerializer.SerializeToUtf8Bytes(told, SessionJson.Default.AttachedProgram));
        await program.EndAsync(Input);
    }

    private static async Task<string> ReadAllAsync(Session program)
    {
        using MemoryStream all = new();
        byte[] buffer = new byte[1000];
        try
        {
            while (await program.ReadAsync(Input, buffer) is > 0 and int count)
                all.Write(buffer, 0, count);
        }
        catch (SessionException)
        {
            // zos has left
        }
        return Encoding.UTF8.GetString(all.ToArray());
    }

    /// <summary>The machine says what its program is like, the program does this, and ends.</summary>
    private void Play(AttachedProgram told, Func<Session, Task<int>> play) => _node.Program = async program =>
    {
        await TellAsync(program, told);
        int code = await play(program);
        await program.EndAsync(Output);
        await program.EndAsync(Errors);
        await program.ExitAsync(Input, code);
        await program.CloseAsync(SessionCloseReason.Done);
    };

    private Task<ZosRun> AttachAsync(Stream input, FileDescriptor? keyboard, params string[] words) =>
        RunAsync(input, keyboard, ["attach", "--node", _node.Address, .. words]);

    private Task<ZosRun> RunAsync(Stream input, FileDescriptor? keyboard, string[] words) =>
        ZosRun.WithInputAsync(_work.Path, input, keyboard, words).WaitAsync(TimeSpan.FromSeconds(60));

    private static bool IgnoresInterrupts()
    {
        const string Mask = "SigIgn:";
        string ignored = File.ReadLines("/proc/self/status").Single(l => l.StartsWith(Mask, StringComparison.Ordinal));
        return (ulong.Parse(ignored.AsSpan(Mask.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & (1UL << ((int)Signum.SIGINT - 1))) != 0;
    }
}
