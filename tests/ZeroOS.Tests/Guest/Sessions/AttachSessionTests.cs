using System.Text;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Output;
using ZeroOS.Guest.Sessions;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Sessions;

/// <summary>Attach sessions inside the guest: the test is the clients on one side, and the workload with its output's reader on the other.</summary>
public sealed class AttachSessionTests : IDisposable
{
    private const int RingBytes = 64 * 1024;
    private readonly PlayedProgram _program = new();
    private readonly OutputRing _ring = new(RingBytes, TimeSpan.FromMilliseconds(300));
    private readonly Places _places = new(AttachSession.MostOfMachine);
    private readonly GuestSessions _sessions;
    private readonly List<PlainClient> _clients = [];
    private StreamSocket? _next;

    public AttachSessionTests()
    {
        _sessions = new GuestSessions(Dial);
        WorkloadStreams workload = new(_program.Child, _program.Streams, _ring);
        _sessions.Open(new Dictionary<string, SessionKind>
        {
            ["attach"] = SessionKind.Attach(workload, new Places(SessionOrders.LargeWindows), _places),
        });
    }

    public void Dispose()
    {
        _clients.ForEach(c => c.Dispose());
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        _program.Dispose();
    }

    [Fact]
    public void Client_hears_how_the_program_stands_what_comes_from_now_on_and_its_end_in_order()
    {
        Write("before");
        PlainClient client = Attached(new AttachBegin(), skipped: 6);
        Write("out");
        Assert.Equal("Data 1 out", client.Next());
        Write("oops", OutputStream.StandardError);
        Assert.Equal("Data 2 oops", client.Next());
        Write("bye");
        End(3);
        Assert.Equal("Data 1 bye", client.Next());
        Assert.Equal(["HalfClose 1", "HalfClose 2", "Exit 0 3", "Close Done"], client.Ends());
    }

    [Fact]
    public void Client_that_wants_it_from_the_start_gets_what_there_is_and_what_follows_once_each()
    {
        Write("early ");
        PlainClient client = Attached(new AttachBegin { FromStart = true });
        Write("late");
        Assert.Equal("early late", client.Until(1, "late"));
    }

    [Fact]
    public void All_clients_hear_all_of_the_output_and_their_inputs_are_one()
    {
        PlainClient one = Attached(), other = Attached();
        Write("for both");
        Assert.Equal(("Data 1 for both", "Data 1 for both"), (one.Next(), other.Next()));
        one.Send(0, SessionFrameType.Data, "from one\n"u8);
        Assert.Equal("from one\n", Read());
        other.Send(0, SessionFrameType.Data, "from the other\n"u8);
        Assert.Equal("from the other\n", Read());
    }

    [Fact]
    public void Client_that_leaves_takes_nothing_with_it()
    {
        PlainClient one = Attached(), other = Attached();
        one.Send(SessionFrame.SessionChannel, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Done, ""));
        Assert.Equal("end", one.Next());
        Attached().Dispose();
        Write("still");
        Assert.Equal("Data 1 still", other.Next());
        other.Send(0, SessionFrameType.Data, "here"u8);
        Assert.Equal("here", Read());
    }

    [Fact]
    public void Client_that_closes_its_input_leaves_it_to_the_others_and_one_that_ends_it_ends_it_for_all()
    {
        PlainClient one = Attached(), other = Attached();
        one.Send(0, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Cancelled, ""));
        Write("x");
        Assert.Equal(("Data 1 x", "Data 1 x"), (one.Next(), other.Next()));
        other.Send(0, SessionFrameType.Data, "last"u8);
        other.Send(0, SessionFrameType.HalfClose, []);
        Assert.Equal("last", Read());
        Assert.Equal("", Read());
        PlainClient third = Attached();
        third.Send(0, SessionFrameType.Data, "too late"u8);
        third.Send(0, SessionFrameType.HalfClose, []);
        End(0);
        Assert.Equal(["HalfClose 1", "HalfClose 2", "Exit 0 0", "Close Done"], third.Ends());
    }

    [Fact]
    public async Task Client_that_does_not_read_loses_its_place_and_neither_the_program_nor_anybody_else_waits_for_long()
    {
        PlainClient slow = Attached(), quick = Attached();
        quick.Grant(1, 4 * RingBytes);
        byte[] output = new byte[3 * RingBytes];
        new Random(Seeds.Of(nameof(AttachSessionTests))).NextBytes(output);
        Task writing = Task.Run(() =>
        {
            for (int i = 0; i < output.Length; i += 1024)
                _ring.Append(OutputStream.StandardOutput, output.AsSpan(i, 1024));
        });
        Assert.Equal(output, quick.Data(1, output.Length));
        await writing.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(output[..SessionLimits.FirstWindow], slow.Data(1, SessionLimits.FirstWindow));
        Assert.Equal(["Close OverCapacity its output was not read for too long, and went on without this client; the log has it"], slow.Ends());
        Write("still");
        Assert.Equal("Data 1 still", quick.Next());
    }

    [Fact]
    public void Output_that_a_client_has_closed_keeps_nobody_waiting()
    {
        PlainClient client = Attached();
        client.Send(1, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Cancelled, ""));
        for (int i = 0; i < 4; i++)
            Write(new string('x', RingBytes / 2));
        Write("oops", OutputStream.StandardError);
        string next = client.Next();
        while (next.StartsWith("Data 1 ", StringComparison.Ordinal))      // what went before the close was read
            next = client.Next();
        Assert.Equal("Data 2 oops", next);
    }

    [Fact]
    public void Clients_at_once_are_so_many_and_one_that_leaves_makes_room()
    {
        for (int i = 0; i < AttachSession.MostOfMachine; i++)
            Attached();
        PlainClient more = Dialled();
        more.Begin(new AttachBegin());
        Assert.Equal($"Close OverCapacity {AttachSession.MostOfMachine} clients are attached to the machine, the most there can be", more.Next());
        _clients[0].Dispose();
        Assert.True(SpinWait.SpinUntil(HasPlace, TimeSpan.FromSeconds(20)), "its place was not given back");
        Attached();
    }

    [Fact]
    public void Output_that_is_left_when_the_workload_ends_is_read_first_although_every_other_session_ends()
    {
        PlainClient client = Attached();
        byte[] output = new byte[RingBytes];
        new Random(Seeds.Of(nameof(AttachSessionTests))).NextBytes(output);
        _ring.Append(OutputStream.StandardOutput, output);
        End(0);
        _sessions.End();
        byte[] first = client.Data(1, SessionLimits.FirstWindow);
        client.Grant(1, RingBytes);
        Assert.Equal(output, (byte[])[.. first, .. client.Data(1, RingBytes - first.Length)]);
        Assert.Equal(["HalfClose 1", "HalfClose 2", "Exit 0 0", "Close Done"], client.Ends());
    }

    [Fact]
    public void Program_that_has_ended_is_joined_by_nobody()
    {
        PlainClient client = Dialled();
        End(0);
        client.Begin(new AttachBegin());
        Assert.Equal("Close Refused the program has ended", client.Next());
    }

    [Fact]
    public void Begin_that_says_more_than_there_is_is_refused()
    {
        PlainClient client = Dialled();
        client.Send(SessionFrame.SessionChannel, SessionFrameType.Begin, """{"fromStart":true,"arguments":["sh"]}"""u8);
        Assert.StartsWith("Close Refused what is to be done cannot be read", client.Next(), StringComparison.Ordinal);
    }

    private void Write(string text, OutputStream stream = OutputStream.StandardOutput) => _ring.Append(stream, Encoding.UTF8.GetBytes(text));

    private string Read()
    {
        byte[] buffer = new byte[1000];
        return Encoding.UTF8.GetString(buffer, 0, _program.Input.Read(buffer));
    }

    private void End(int code)
    {
        _program.Exit(code);
        _ring.Complete();
    }

    private bool HasPlace()
    {
        if (!_places.TryTake())
            return false;
        _places.Return();
        return true;
    }

    private PlainClient Attached(AttachBegin? begin = null, long skipped = -1)
    {
        PlainClient client = Dialled();
        client.Begin(begin ?? new AttachBegin());
        string told = client.Next();
        Assert.StartsWith("""Data 0 {"tty":false,"stdin":true,"skipped":""", told, StringComparison.Ordinal);
        if (skipped >= 0)
            Assert.EndsWith($":{skipped}}}", told, StringComparison.Ordinal);
        Assert.Equal("HalfClose 0", client.Next());
        return client;
    }

    private PlainClient Dialled()
    {
        (StreamSocket guest, StreamSocket node) = StreamSocket.Pair();
        _next = guest;
        _sessions.Dial(new GuestSession { Kind = "attach", Token = new byte[GuestProtocol.TokenBytes] }, new byte[GuestProtocol.SecretBytes]);
        PlainClient client = new(node);
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
