using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>
/// PID 1's part in role <c>door</c>: it holds the listening socket, so that nobody who waits is lost with a door; starts a door whenever the node wants one; and replaces it every hour,
/// when it died, and when the node found it broken. Times in milliseconds of one clock; it belongs to the event loop's thread.
/// </summary>
internal sealed class DoorKeeper(Func<FileDescriptor> listen, Func<FileDescriptor, FileDescriptor, int> start, Action<int> kill, KernelLog log)
{
    /// <summary>How long one door lives: whoever took it over has that long.</summary>
    internal const int LivesMs = 3_600_000;

    // Short even for a door that dies all the time: whoever can make it die must not keep it away.
    private const int LongestDelayMs = 2_000;

    private readonly Supervisor _supervisor = new(LongestDelayMs);
    private FileDescriptor? _listener;
    private bool _wanted;
    private long _replaceAt;

    /// <summary>The door's process id, 0 while there is none.</summary>
    public int Pid => _supervisor.Pid;

    /// <summary>How many doors there were.</summary>
    public int Starts => _supervisor.Starts;

    /// <summary>The node answers doors now, or no more: one without a node behind it is of no use.</summary>
    public void Want(bool wanted)
    {
        _wanted = wanted;
        if (!wanted)
            Replace("the node is gone");
    }

    /// <summary>Ends the door that there is; the next one starts by itself.</summary>
    public void Replace(string why)
    {
        if (Pid == 0)
            return;
        log.Info($"door replaced pid={Pid} why={why}");
        _replaceAt = long.MaxValue;
        kill(Pid);
    }

    /// <summary>When something is due next.</summary>
    public long DueAt => Pid != 0 ? _replaceAt : _wanted ? _supervisor.DueAt : long.MaxValue;

    /// <summary>Does what is due. A new door: the node's end of its link, for the caller to hand on.</summary>
    public SeqPacketSocket? Tick(long now)
    {
        if (Pid != 0 && now >= _replaceAt)
            Replace("its hour is over");
        if (Pid != 0 || !_wanted || !_supervisor.IsDue(now))
            return null;
        try
        {
            _listener ??= listen();
            (SeqPacketSocket ours, SeqPacketSocket theirs) = SeqPacketSocket.Pair();
            using (theirs)
            {
                try
                {
                    _supervisor.Started(start(theirs.Descriptor, _listener), now);
                }
                catch
                {
                    ours.Dispose();
                    throw;
                }
            }
            _replaceAt = now + LivesMs;
            log.Info($"door started pid={Pid} starts={Starts}");
            return ours;
        }
        catch (LinuxException e)
        {
            _supervisor.Ended(now);
            log.Error($"door does not start: {e.Message}");
            return null;
        }
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
}
