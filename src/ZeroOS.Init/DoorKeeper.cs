using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>
/// PID 1's part in role <c>door</c>: it holds the listening socket, so that nobody who waits is lost with a door; starts a door beside every node, so that it
/// is up when the node answers it; and replaces it every hour, when it died, and when the node found it broken. Times in milliseconds of one clock; it belongs
/// to the event loop's thread.
/// </summary>
internal sealed class DoorKeeper(Func<FileDescriptor> listen, Func<FileDescriptor, FileDescriptor, int> start, Action<int> kill, KernelLog log)
{
    /// <summary>How long one door lives: whoever took it over has that long.</summary>
    internal const int LivesMs = 3_600_000;

    /// <summary>How long a door whose node is gone may pass on what the node said before; it ends by itself then, and sooner when nobody waits.</summary>
    internal const int LastWordsMs = 2_500;

    // Short even for a door that dies all the time: whoever can make it die must not keep it away.
    private const int LongestDelayMs = 2_000;

    private readonly Supervisor _supervisor = new(LongestDelayMs);
    private FileDescriptor? _listener;
    private SeqPacketSocket? _link;
    private bool _wanted;
    private bool _answered;
    private bool _killed;
    private long _replaceAt;
    private string _due = "";

    /// <summary>The door's process id, 0 while there is none.</summary>
    public int Pid => _supervisor.Pid;

    /// <summary>How many doors there were.</summary>
    public int Starts => _supervisor.Starts;

    /// <summary>A node runs, or no more: a door without one behind it hears so from its link, and ends.</summary>
    public void Want(bool wanted, long now)
    {
        _wanted = wanted;
        if (wanted)
            return;
        _answered = false;
        _link?.Dispose();
        _link = null;
        (_replaceAt, _due) = (now + LastWordsMs, "the node is gone");
    }

    /// <summary>The node answers doors from now on: <see cref="Tick"/> yields its ends of their links.</summary>
    public void Answer() => _answered = true;

    /// <summary>Ends the door that there is; the next one starts by itself.</summary>
    public void Replace(string why)
    {
        if (Pid == 0 || _killed)
            return;
        log.Info($"door replaced pid={Pid} why={why}");
        _killed = true;
        kill(Pid);
    }

    /// <summary>When something is due next.</summary>
    public long DueAt => Pid != 0 ? _killed ? long.MaxValue : _replaceAt : _wanted ? _supervisor.DueAt : long.MaxValue;

    /// <summary>Does what is due. The node's end of a new door's link, for the caller to hand on, once the node answers doors.</summary>
    public SeqPacketSocket? Tick(long now)
    {
        if (Pid != 0 && now >= _replaceAt)
            Replace(_due);
        if (Pid == 0 && _wanted && _supervisor.IsDue(now))
            Start(now);
        if (!_answered)
            return null;
        SeqPacketSocket? link = _link;
        _link = null;
        return link;
    }

    /// <summary>A child of PID 1 ended; false if it was no door.</summary>
    public bool Ended(ProcessExit exit, long now)
    {
        if (exit.Pid != Pid)
            return false;
        _supervisor.Ended(now);
        log.Info($"door ended pid={exit.Pid} how={exit}");
        return true;
    }

    private void Start(long now)
    {
        (SeqPacketSocket ours, SeqPacketSocket theirs) = SeqPacketSocket.Pair();
        using (theirs)
        {
            try
            {
                _listener ??= listen();
                _supervisor.Started(start(theirs.Descriptor, _listener), now);
            }
            catch (LinuxException e)
            {
                ours.Dispose();
                _supervisor.Ended(now);
                log.Error($"door does not start: {e.Message}");
                return;
            }
        }
        _link?.Dispose();
        (_link, _replaceAt, _due, _killed) = (ours, now + LivesMs, "its hour is over", false);
        log.Info($"door started pid={Pid} starts={Starts}");
    }
}
