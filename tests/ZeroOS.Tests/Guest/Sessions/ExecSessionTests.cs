using System.Diagnostics;
using System.Text;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Sessions;
using ZeroOS.Guest.Setup;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Sessions;

/// <summary>An exec session inside the guest: the test is the client on one side and the program on the other.</summary>
public sealed class ExecSessionTests : IDisposable
{
    private static readonly ExecBegin s_begin = new() { Arguments = ["sh"], Input = true };
    private readonly PlayedProgram _program = new();
    private readonly Places _windows = new(SessionOrders.LargeWindows);
    private readonly GuestSessions _sessions;
    private readonly PlainClient _client;
    private ExecBegin? _started;
    private SetupException? _refusal;

    public ExecSessionTests()
    {
        (StreamSocket guest, StreamSocket node) = StreamSocket.Pair();
        _sessions = new GuestSessions((out Errno errno) =>
        {
            errno = Errno.None;
            return guest;
        });
        _sessions.Open(new Dictionary<string, SessionKind> { ["exec"] = SessionKind.Exec(Start, _windows) });
        _sessions.Dial(new GuestSession { Kind = "exec", Token = new byte[GuestProtocol.TokenBytes] }, new byte[GuestProtocol.SecretBytes]);
        _client = new PlainClient(node);
        _client.Introduction();
    }

    public void Dispose()
    {
        _client.Dispose();
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        _program.Dispose();
    }

    [Fact]
    public void Outputs_end_before_the_exit_and_the_exit_comes_before_the_close()
    {
        _client.Begin(s_begin);
        _program.Output.Write("out"u8);
        Assert.Equal("Data 1 out", _client.Next());
        _program.Errors.Write("oops"u8);
        Assert.Equal("Data 2 oops", _client.Next());
        _program.Exit(3);
        Assert.Equal(["HalfClose 1", "HalfClose 2", "Exit 0 3", "Close Done"], _client.Ends());
        Assert.Equal("nothing", _client.Next(0));       // it hangs up when this side has, or after its patience
    }

    [Fact]
    public void Program_that_dies_of_a_signal_exits_with_128_and_the_signal()
    {
        _client.Begin(s_begin);
        _program.Exit(0, signal: 15);
        Assert.Equal(["HalfClose 1", "HalfClose 2", "Exit 0 143", "Close Done"], _client.Ends());
    }

    [Fact]
    public void What_is_to_be_run_is_what_the_begin_says_and_nothing_runs_before()
    {
        Assert.Equal("nothing", _client.Next(30));
        Assert.Null(_started);
        _client.Begin(new ExecBegin { Arguments = ["ls", "-l"], Environment = ["A=b=c"], User = "web", WorkingDirectory = "/srv", Privileged = true });
        _program.Output.Write("x"u8);
        Assert.Equal("Data 1 x", _client.Next());
        Assert.Equal(("ls -l", "A=b=c", "web", "/srv", true, false, null), (string.Join(' ', _started!.Arguments), string.Join(' ', _started.Environment),
            _started.User, _started.WorkingDirectory, _started.Privileged, _started.Input, _started.Terminal));
    }

    [Theory]
    [InlineData("{", "what is to be done cannot be read")]
    [InlineData("{}", "what is to be done cannot be read")]
    [InlineData("null", "there is nothing to do")]
    [InlineData("""{"arguments":[]}""", "there is no program to run")]
    [InlineData("""{"arguments":[""]}""", "there is no program to run")]
    [InlineData("""{"arguments":["a","\u0000"]}""", "an argument has a zero byte, or is none")]
    [InlineData("""{"arguments":["a",null]}""", "an argument has a zero byte, or is none")]
    [InlineData("""{"arguments":["a"],"environment":["A"]}""", "a variable of the environment is not NAME=value")]
    [InlineData("""{"arguments":["a"],"environment":["=b"]}""", "a variable of the environment is not NAME=value")]
    [InlineData("""{"arguments":["a"],"environment":[null]}""", "a variable of the environment is not NAME=value")]
    [InlineData("""{"arguments":["a"],"user":"a\u0000b"}""", "the user has a zero byte")]
    [InlineData("""{"arguments":["a"],"workingDirectory":"tmp"}""", "the working directory is not an absolute path")]
    [InlineData("""{"arguments":["a"],"workingDirectory":""}""", "the working directory is not an absolute path")]
    [InlineData("""{"arguments":["a"],"network":"host"}""", "what is to be done cannot be read")]
    public void Begin_that_cannot_be_done_is_refused_by_a_sentence(string begin, string sentence)
    {
        _client.Send(SessionFrame.SessionChannel, SessionFrameType.Begin, Encoding.UTF8.GetBytes(begin));
        Assert.StartsWith($"Close Refused {sentence}", _client.Next(), StringComparison.Ordinal);
        Assert.Null(_started);
    }

    [Fact]
    public void Program_that_cannot_be_executed_is_a_note_and_an_exit()
    {
        _refusal = new SetupException("exec", "nothing is not in any directory of PATH", 127);
        _client.Begin(s_begin);
        Assert.Equal(["Note nothing is not in any directory of PATH", "HalfClose 1", "HalfClose 2", "Exit 0 127", "Close Done"],
            _client.Ends());
    }

    [Fact]
    public void Program_that_cannot_be_set_up_is_refused()
    {
        _refusal = new SetupException("user", "the image knows no user \"web\"");
        _client.Begin(s_begin);
        Assert.Equal("Close Refused user: the image knows no user \"web\"", _client.Next());
    }

    [Fact]
    public void Output_is_read_only_while_there_is_credit_for_it()
    {
        byte[] output = Random(40_000);
        _client.Begin(s_begin);
        _program.Output.Write(output);
        Assert.Equal(output[..SessionLimits.FirstWindow], _client.Data(1, SessionLimits.FirstWindow));
        Assert.Equal("nothing", _client.Next(50));
        Assert.Equal(40_000 - SessionLimits.FirstWindow, Pipe.Waiting(_program.Streams.Output));
        _program.Errors.Write("another"u8);
        Assert.Equal("Data 2 another", _client.Next());
        _client.Grant(1, 10_000);
        Assert.Equal(output[SessionLimits.FirstWindow..(SessionLimits.FirstWindow + 10_000)], _client.Data(1, 10_000));
        _client.Grant(1, 100_000);
        Assert.Equal(output[(SessionLimits.FirstWindow + 10_000)..], _client.Data(1, 40_000 - SessionLimits.FirstWindow - 10_000));
        _program.Exit(0);
        Assert.Equal(["HalfClose 1", "HalfClose 2", "Exit 0 0", "Close Done"], _client.Ends());
    }

    [Fact]
    public void Program_that_does_not_read_its_input_stops_the_client_and_nothing_else()
    {
        byte[] input = Random(1 << 20);
        _client.Begin(s_begin);
        int sent = 0;
        while (_client.MaySend(0) is var may)
        {
            if (may > 0)
            {
                _client.Send(0, SessionFrameType.Data, input.AsSpan(sent, may));
                sent += may;
            }
            else if (_client.Next(200) == "nothing")
            {
                break;
            }
        }
        const int PipeBytes = 65536;
        Assert.InRange(sent, SessionOrders.LargeWindowBytes, SessionOrders.LargeWindowBytes + PipeBytes);
        _program.Output.Write("here"u8);
        Assert.Equal("Data 1 here", _client.Next());

        byte[] read = new byte[input.Length];
        int have = 0;
        while (have < sent)
            have += _program.Input.Read(read.AsSpan(have));
        Assert.StartsWith("Window 0 ", _client.Next(), StringComparison.Ordinal);
        int last = Math.Min(_client.MaySend(0), 5000);
        _client.Send(0, SessionFrameType.Data, input.AsSpan(sent, last));
        _client.Send(0, SessionFrameType.HalfClose, []);
        for (int n; (n = _program.Input.Read(read.AsSpan(have))) > 0;)
            have += n;
        Assert.Equal(input[..(sent + last)], read[..have]);
    }

    [Theory]
    [InlineData(SessionOrders.LargeWindows - 1, SessionOrders.LargeWindowBytes - SessionLimits.FirstWindow)]
    [InlineData(SessionOrders.LargeWindows, SessionLimits.FirstWindow)]
    public void Input_that_flows_gets_a_large_window_while_there_is_room_for_one(int taken, int more)
    {
        for (int i = 0; i < taken; i++)
            Assert.True(_windows.TryTake());
        _client.Begin(s_begin);
        byte[] input = Random(SessionLimits.FirstWindow), read = new byte[input.Length];
        _client.Send(0, SessionFrameType.Data, input);
        for (int have = 0; have < read.Length;)
            have += _program.Input.Read(read.AsSpan(have));
        Assert.Equal(input, read);
        int sent = 0;
        while (sent < more)
        {
            int may = _client.MaySend(0);
            Assert.InRange(may, 0, Math.Min(more, SessionLimits.BodyBytes));
            if (may == 0)
                Assert.StartsWith("Window 0 ", _client.Next(), StringComparison.Ordinal);
            else
                _client.Send(0, SessionFrameType.Data, new byte[may]);
            sent += may;
        }
        Assert.Equal(more, sent);

        _client.Dispose();
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        int free = 0;
        while (_windows.TryTake())
            free++;
        Assert.Equal(SessionOrders.LargeWindows - taken, free);
    }

    [Fact]
    public void Input_that_nobody_reads_any_more_is_forgotten_and_the_client_may_end_it()
    {
        _client.Begin(s_begin);
        _program.Input.Dispose();
        byte[] input = Random(SessionLimits.FirstWindow);
        for (int sent = 0; sent < 4 * SessionOrders.LargeWindowBytes;)
        {
            int may = Math.Min(_client.MaySend(0), input.Length);
            if (may > 0)
                _client.Send(0, SessionFrameType.Data, input.AsSpan(0, may));
            else
                Assert.StartsWith("Window 0 ", _client.Next(), StringComparison.Ordinal);
            sent += may;
        }
        _client.Send(0, SessionFrameType.HalfClose, []);
        _program.Exit(0);
        Assert.Equal(["HalfClose 1", "HalfClose 2", "Exit 0 0", "Close Done"], _client.Ends());
    }

    [Fact]
    public void Output_that_a_left_over_child_holds_open_ends_after_two_seconds_and_nothing_that_was_written_before_is_lost()
    {
        byte[] output = Random(20_000);
        _client.Begin(s_begin);
        _program.Output.Write(output);
        byte[] first = _client.Data(1, SessionLimits.FirstWindow);
        long began = Stopwatch.GetTimestamp();
        _program.Exit(0, leaves: true);
        Assert.Equal("Note output closed: a process that the program left behind holds it open", _client.Next());
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 1.8, 10);
        Assert.Equal("HalfClose 2", _client.Next());
        Assert.Equal("nothing", _client.Next(50));
        _client.Grant(1, 100_000);
        Assert.Equal(output, (byte[])[.. first, .. _client.Data(1, 20_000 - first.Length)]);
        Assert.Equal(["HalfClose 1", "Exit 0 0", "Close Done"], _client.Ends());
    }

    [Fact]
    public void Client_that_breaks_the_protocol_is_told_and_loses_the_session()
    {
        _client.SendAnyway(0, SessionFrameType.Data, "before"u8);
        Assert.Equal("Close Protocol a frame before the session's begin", _client.Next());
        Assert.Null(_started);
    }

    [Fact]
    public void Client_that_sends_beyond_its_credit_loses_the_session_and_the_program_its_streams()
    {
        _client.Begin(s_begin);
        _program.Output.Write("x"u8);
        Assert.Equal("Data 1 x", _client.Next());
        _client.SendAnyway(0, SessionFrameType.Data, new byte[SessionLimits.FirstWindow + 1]);
        Assert.Equal($"Close Protocol {SessionLimits.FirstWindow + 1} bytes with {SessionLimits.FirstWindow} of credit on channel 0", _client.Next());
        _client.Dispose();
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        Assert.Equal(Errno.EPIPE, _program.Output.TryWrite("y"u8, out _));
    }

    [Fact]
    public void What_is_no_frame_ends_the_session()
    {
        _client.SendRaw([255, 255, 255, 0, 0, 0, 0, 0, 0]);
        Assert.Equal("Close Protocol what came is no frame", _client.Next());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Program_goes_on_without_its_pipes_when_the_client_closes_or_is_gone(bool says)
    {
        _client.Begin(s_begin);
        _program.Output.Write("x"u8);
        Assert.Equal("Data 1 x", _client.Next());
        if (says)
            _client.Send(SessionFrame.SessionChannel, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Cancelled, ""));
        else
            _client.Dispose();
        Assert.Equal(0, _program.Input.Read(new byte[1]));
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        Assert.Equal(Errno.EPIPE, _program.Output.TryWrite("y"u8, out _));
        _program.Exit(0);       // long after its session, which hears of it and is gone
        if (says)
            Assert.Equal("end", _client.Next());
    }

    [Fact]
    public void Output_that_the_client_closes_is_closed_for_the_program()
    {
        _client.Begin(s_begin);
        _client.Send(1, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Cancelled, ""));
        Assert.Equal("HalfClose 1", _client.Next());
        Assert.Equal(Errno.EPIPE, _program.Output.TryWrite("y"u8, out _));
        _program.Errors.Write("still"u8);
        Assert.Equal("Data 2 still", _client.Next());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Session_ends_with_the_machine_and_says_so_although_its_program_was_killed_before(bool killed)
    {
        _client.Begin(s_begin);
        _program.Output.Write("x"u8);
        Assert.Equal("Data 1 x", _client.Next());
        if (killed)
            _program.Exit(0, SignalName.Kill);
        _sessions.End();
        string line = _client.Next();
        while (line.StartsWith("HalfClose", StringComparison.Ordinal))
            line = _client.Next();
        Assert.Equal("Close MachineEnded the machine ended", line);
    }

    [Fact]
    public void Killed_program_of_a_machine_that_goes_on_exits_with_137()
    {
        _client.Begin(s_begin);
        _program.Exit(0, SignalName.Kill);
        Assert.Equal(["HalfClose 1", "HalfClose 2", "Exit 0 137", "Close Done"], _client.Ends());
    }

    private ExecProgram Start(ExecBegin begin)
    {
        _started = begin;
        return _refusal is null ? new ExecProgram(_program.Child, _program.Streams) : throw _refusal;
    }

    private static byte[] Random(int count)
    {
        byte[] bytes = new byte[count];
        new Random(Seeds.Of(nameof(ExecSessionTests))).NextBytes(bytes);
        return bytes;
    }
}
