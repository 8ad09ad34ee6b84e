using System.Text.Json;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Vmm.Events;

namespace ZeroOS.Vmm.Control;

/// <summary>
/// The monitor's end of the socket the node talks to (<see cref="MonitorMessage"/>). Nothing here waits: what the node does not take is lost, and a Hello asks
/// for it again.
/// </summary>
internal sealed class ControlSocket : IEventSource
{
    private readonly byte[] _buffer = new byte[SeqPacketSocket.MaxMessage];
    private readonly EventLoop _loop;
    private readonly SeqPacketSocket _socket;
    private readonly Action<MonitorExit, string> _end;
    private readonly Func<Dictionary<string, long>> _statistics;
    private readonly int _slot;
    private MachineState _state = MachineState.Building;
    private string _reason = "";

    /// <summary>Listens on <paramref name="loop"/>.</summary>
    public ControlSocket(EventLoop loop, SeqPacketSocket socket, Action<MonitorExit, string> end, Func<Dictionary<string, long>> statistics)
    {
        (_loop, _socket, _end, _statistics) = (loop, socket, end, statistics);
        _slot = loop.Add(socket.Descriptor, Readiness.Readable, this, 0);
    }

    /// <summary>Presses the power button.</summary>
    public Action? PowerButton { get; set; }

    /// <summary>The node is a new one: what it had of vsock connections is gone.</summary>
    public Action? Reconnected { get; set; }

    /// <summary>Sets how many bytes the guest should give up.</summary>
    public Action<long>? BalloonTarget { get; set; }

    /// <summary>The node wants statistics: what has to be asked of the guest is asked.</summary>
    public Action? StatisticsAsked { get; set; }

    /// <summary>Remembers and says the state.</summary>
    public void Say(MachineState state, string reason)
    {
        (_state, _reason) = (state, reason);
        SendState();
    }

    /// <summary>Offers the node one end of a connection the guest made to <paramref name="port"/>; false when it cannot take it now.</summary>
    public bool TryAccept(uint port, FileDescriptor nodeEnd) =>
        TrySend(new MonitorMessage { Verb = MonitorVerb.VsockAccepted, Port = port }, [nodeEnd.Number]);

    /// <inheritdoc/>
    public void OnReady(int tag, Readiness ready)
    {
        Errno errno = _socket.TryReceive(_buffer, out int length, out FileDescriptor[] descriptors, wait: false);
        foreach (FileDescriptor d in descriptors)
            d.Dispose();
        if (errno is Errno.EAGAIN or Errno.EMSGSIZE)
            return;
        if (errno != Errno.None || length == 0)
        {
            // PID 1 keeps a duplicate of the other end; when that is gone too, nobody is left to talk to, and the guest goes on.
            _loop.Remove(_slot);
            return;
        }
        MonitorMessage? message = Parse(_buffer.AsSpan(0, length));
        switch (message?.Verb)
        {
            case MonitorVerb.Hello:
                Reconnected?.Invoke();
                SendState();
                break;
            case MonitorVerb.PowerButton:
                PowerButton?.Invoke();
                break;
            case MonitorVerb.Kill:
                _end(MonitorExit.Killed, "the node ended the machine");
                break;
            case MonitorVerb.SetBalloon:
                BalloonTarget?.Invoke(message.BalloonBytes ?? 0);
                break;
            case MonitorVerb.GetStatistics:
                StatisticsAsked?.Invoke();
                TrySend(new MonitorMessage { Verb = MonitorVerb.Statistics, Counters = _statistics() }, []);
                break;
            default:
                break;
        }
    }

    private static MonitorMessage? Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, MonitorJson.Default.MonitorMessage);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void SendState() => TrySend(new MonitorMessage { Verb = MonitorVerb.State, State = _state, Reason = _reason }, []);

    private bool TrySend(MonitorMessage message, ReadOnlySpan<int> descriptors) =>
        _socket.TrySend(JsonSerializer.SerializeToUtf8Bytes(message, MonitorJson.Default.MonitorMessage), descriptors, wait: false) == Errno.None;
}
