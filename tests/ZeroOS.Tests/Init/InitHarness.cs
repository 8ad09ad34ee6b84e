using System.Collections.Concurrent;

using ZeroOS.Contracts.Init;
using ZeroOS.Host.Processes;
using ZeroOS.Init;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Init;

/// <summary>PID 1's spawn service with its event loop on a thread, without being PID 1: children are waited for one by one.</summary>
internal sealed class InitHarness : IDisposable
{
    private readonly EventFd _wake = new();
    private readonly ConcurrentQueue<ProcessExit> _exits = new();
    private readonly ConcurrentQueue<SeqPacketSocket> _nodes = new();
    private readonly ConcurrentQueue<Action> _work = new();
    private readonly Thread _thread;
    private volatile bool _end;

    public InitHarness(Func<InitHarness, IJailer> jailer, KernelLog log)
    {
        Service = new SpawnService(jailer(this), log);
        _thread = new Thread(Loop) { IsBackground = true, Name = "harness" };
        _thread.Start();
    }

    public SpawnService Service { get; }

    /// <summary>Times the service cut the node off.</summary>
    public int CutOff { get; private set; }

    /// <summary>A (new) node: what was connected before is gone.</summary>
    public InitConnection Connect(bool listen = true)
    {
        InitConnection connection = new(ConnectRaw());
        if (listen)
            connection.Listen();
        return connection;
    }

    public SeqPacketSocket ConnectRaw()
    {
        (SeqPacketSocket ours, SeqPacketSocket theirs) = SeqPacketSocket.Pair();
        _nodes.Enqueue(ours);
        _wake.Signal();
        return theirs;
    }

    public void Ended(ProcessExit exit)
    {
        _exits.Enqueue(exit);
        _wake.Signal();
    }

    public void SayStopping()
    {
        _work.Enqueue(Service.SayStopping);
        _wake.Signal();
    }

    /// <summary>A door has been started.</summary>
    public void GiveDoor(SeqPacketSocket link)
    {
        _work.Enqueue(() => Service.GiveDoor(link));
        _wake.Signal();
    }

    public void Dispose()
    {
        _end = true;
        _wake.Signal();
        _thread.Join();
        _wake.Dispose();
    }

    private void Loop()
    {
        using Epoll epoll = new();
        epoll.Add(_wake.Descriptor, Readiness.Readable, 1);
        SeqPacketSocket? node = null;
        Span<(ulong Token, Readiness Ready)> ready = stackalloc (ulong, Readiness)[4];
        while (!_end)
        {
            int count = epoll.Wait(ready, -1);
            _wake.Take();
            for (int i = 0; i < count; i++)
            {
                if (ready[i].Token != 2 || node is null)
                    continue;
                if (!Service.Receive() || !Service.Flush())
                {
                    epoll.Remove(node.Descriptor);
                    Service.Disconnect();
                    node = null;
                    CutOff++;
                }
            }
            while (_nodes.TryDequeue(out SeqPacketSocket? next))
            {
                if (node is not null)
                {
                    epoll.Remove(node.Descriptor);
                    Service.Disconnect();
                }
                node = next;
                Service.Connect(next);
                epoll.Add(next.Descriptor, Readiness.Readable, 2);
            }
            while (_exits.TryDequeue(out ProcessExit exit))
                Service.Ended(exit);
            while (_work.TryDequeue(out Action? work))
                work();
        }
        Service.Disconnect();
    }
}

/// <summary>Starts nothing: hands what would have been started to the test.</summary>
internal sealed class FakeJailer : IJailer
{
    private int _lastPid = 1000;

    public BlockingCollection<(InitMessage Request, uint Uid, FileDescriptor[] Descriptors, int Pid)> Started { get; } = [];

    public BlockingCollection<(int Pid, int Signal)> Killed { get; } = [];

    public List<string> Removed { get; } = [];

    public Errno Refuse { get; set; }

    public int Start(InitMessage request, uint uid, IReadOnlyList<FileDescriptor> descriptors)
    {
        if (Refuse != Errno.None)
            throw new LinuxException(Refuse, "posix_spawn", "/zvmm");
        int pid = ++_lastPid;
        Started.Add((request, uid, [.. descriptors.Select(d => d.Duplicate())], pid));
        return pid;
    }

    public Errno Kill(int pid, int signal)
    {
        Killed.Add((pid, signal));
        return Errno.None;
    }

    public void Ended(string name) => Removed.Add(name);
}
