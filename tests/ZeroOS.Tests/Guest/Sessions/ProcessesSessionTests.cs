using System.Text.Json;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Sessions;

/// <summary>Lists of processes inside the guest: the test is the client, and says what there is.</summary>
public sealed class ProcessesSessionTests : IDisposable
{
    private readonly GuestSessions _sessions;
    private readonly List<PlainClient> _clients = [];
    private IEnumerable<ProcessEntry> _processes = [];
    private StreamSocket? _next;

    public ProcessesSessionTests()
    {
        _sessions = new GuestSessions(Dial);
        _sessions.Open(new Dictionary<string, SessionKind> { [SessionKinds.Processes] = SessionKind.Processes(() => _processes) });
    }

    public void Dispose()
    {
        _clients.ForEach(c => c.Dispose());
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Processes_are_one_document()
    {
        _processes = [Process(1, "init"), Process(2, "tab\there \u001b[2J")];
        ProcessList list = List();
        Assert.Equal(_processes, list.Processes);
        Assert.False(list.More);
    }

    [Fact]
    public void List_has_so_many_processes_and_bytes_and_says_that_there_are_more()
    {
        _processes = Enumerable.Range(1, ProcessList.Most).Select(i => Process(i, "x"));
        Assert.Equal((ProcessList.Most, false), (List().Processes.Count, List().More));
        _processes = Enumerable.Range(1, ProcessList.Most + 1).Select(i => Process(i, "x"));
        Assert.Equal((ProcessList.Most, true), (List().Processes.Count, List().More));
        _processes = Enumerable.Range(1, 100).Select(i => Process(i, new string('\u0001', ProcessEntry.MaxCommandBytes)));
        Assert.Equal((ProcessList.MaxBytes / (6 * ProcessEntry.MaxCommandBytes), true), (List().Processes.Count, List().More));
    }

    [Fact]
    public void Begin_that_is_none_is_refused()
    {
        PlainClient client = Dialled();
        client.Send(SessionFrame.SessionChannel, SessionFrameType.Begin, """{"all":true}"""u8);
        Assert.StartsWith("Close Refused what is to be done cannot be read", client.Next(), StringComparison.Ordinal);
    }

    private static ProcessEntry Process(int id, string command) => new() { Id = id, Parent = 0, User = 0, State = "S", Command = command };

    private ProcessList List()
    {
        PlainClient client = Dialled();
        client.Send(SessionFrame.SessionChannel, SessionFrameType.Begin, "{}"u8);
        byte[] json = client.ReadToEnd();
        Assert.InRange(json.Length, 1, ProcessList.MaxBytes);
        Assert.Equal("Close Done", client.Ends()[^1]);
        return JsonSerializer.Deserialize(json, SessionJson.Default.ProcessList)!;
    }

    private PlainClient Dialled()
    {
        (StreamSocket guest, StreamSocket node) = StreamSocket.Pair();
        _next = guest;
        _sessions.Dial(new GuestSession { Kind = SessionKinds.Processes, Token = new byte[GuestProtocol.TokenBytes] }, new byte[GuestProtocol.SecretBytes]);
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
