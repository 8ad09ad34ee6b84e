using System.Collections.Concurrent;
using System.Text;

using Xunit;

using ZeroOS.Contracts.Init;
using ZeroOS.Host.Processes;
using ZeroOS.Init;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Init;

public sealed class SpawnServiceTests : IDisposable
{
    private const long MiB = 1 << 20;
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);
    private readonly FakeJailer _jailer = new();
    private readonly InitHarness _init;

    public SpawnServiceTests() => _init = new InitHarness(_ => _jailer, new KernelLog());

    public void Dispose() => _init.Dispose();

    [Fact]
    public void Start_hands_over_descriptors_and_each_process_has_its_own_user()
    {
        using InitConnection node = _init.Connect();
        using FileDescriptor file = FileDescriptor.Memory("a");
        file.Write("hello"u8);

        int pid = node.Start(JailedProgram.Monitor, "vm-1", ["10"], 64 * MiB, [file], output: 0);
        node.Start(JailedProgram.Fetch, "fetch", [], 64 * MiB, [file]);

        var first = _jailer.Started.Take();
        var second = _jailer.Started.Take();
        Assert.Equal(first.Pid, pid);
        Assert.Equal("vm-1", first.Request.Name);
        Assert.Equal(["10"], first.Request.Arguments!);
        Assert.Equal((100_000u, 100_001u), (first.Uid, second.Uid));
        Assert.Equal(5, Assert.Single(first.Descriptors).Length);
    }

    [Theory]
    [InlineData("", 64)]
    [InlineData("../etc", 64)]
    [InlineData("-x", 64)]
    [InlineData("Vm", 64)]
    [InlineData("a234567890123456789012345678901234567890123456789", 64)]
    [InlineData("vm", 1)]
    [InlineData("vm", long.MaxValue / MiB)]
    public void Bad_names_and_limits_are_refused_and_nothing_starts(string name, long mebibytes)
    {
        using InitConnection node = _init.Connect();
        Assert.Throws<InitRefusedException>(() => node.Start(JailedProgram.Monitor, name, [], mebibytes * MiB, []));
        Assert.Empty(_jailer.Started);
    }

    [Theory]
    [InlineData(JailedProgram.Fetch, 1L, null)]
    [InlineData(JailedProgram.Convert, null, 1)]
    [InlineData(JailedProgram.Monitor, -1L, null)]
    [InlineData(JailedProgram.Monitor, (16L << 40) + 1, null)]
    [InlineData(JailedProgram.Monitor, null, 0)]
    [InlineData(JailedProgram.Monitor, null, 9)]
    public void A_program_gets_no_larger_file_and_no_more_processors_than_its_table_says(JailedProgram program, long? fileBytes, int? processors)
    {
        using InitConnection node = _init.Connect();
        Assert.Throws<InitRefusedException>(() => node.Start(program, "vm-1", [], 64 * MiB, [], null, fileBytes, processors));
        Assert.Empty(_jailer.Started);
    }

    [Fact]
    public void A_name_is_taken_until_its_end_is_acknowledged()
    {
        using InitConnection node = _init.Connect(listen: false);
        BlockingCollection<HeldProcess> exits = [];
        node.Exited += exits.Add;
        node.Listen();
        int pid = node.Start(JailedProgram.Monitor, "vm-1", [], 64 * MiB, []);
        Assert.Throws<InitRefusedException>(() => node.Start(JailedProgram.Monitor, "vm-1", [], 64 * MiB, []));
        Assert.Throws<InitRefusedException>(() => node.Acknowledge("vm-1"));

        _init.Ended(new ProcessExit(pid, 21, 0));

        Assert.True(exits.TryTake(out HeldProcess? ended, s_deadline));
        Assert.Equal(new HeldProcess("vm-1", JailedProgram.Monitor, pid, 21, null), ended);
        Assert.Throws<InitRefusedException>(() => node.Start(JailedProgram.Monitor, "vm-1", [], 64 * MiB, []));
        node.Acknowledge("vm-1");
        node.Acknowledge("vm-1");
        node.Start(JailedProgram.Monitor, "vm-1", [], 64 * MiB, []);
        Assert.Equal(["vm-1"], _jailer.Removed);
    }

    [Fact]
    public void What_the_kernel_refuses_reaches_the_caller_and_leaves_nothing()
    {
        using InitConnection node = _init.Connect();
        _jailer.Refuse = Errno.ENOENT;
        InitRefusedException e = Assert.Throws<InitRefusedException>(() => node.Start(JailedProgram.Monitor, "vm-1", [], 64 * MiB, []));
        Assert.Contains("posix_spawn /zvmm", e.Message, StringComparison.Ordinal);
        Assert.Empty(node.HandOver().Processes);
        Assert.Equal(["vm-1"], _jailer.Removed);
    }

    [Fact]
    public void A_new_node_gets_processes_exits_and_kept_descriptors()
    {
        using InitConnection former = _init.Connect();
        using FileDescriptor one = FileDescriptor.Memory("1"), two = FileDescriptor.Memory("2");
        one.Write("first"u8);
        two.Write("second"u8);
        int lives = former.Start(JailedProgram.Monitor, "vm-lives", [], 64 * MiB, []);
        int dies = former.Start(JailedProgram.Monitor, "vm-dies", [], 64 * MiB, []);
        former.Keep("vm-lives", [one]);
        former.Keep("vm-lives", [one, two]);
        former.Keep("other", [one]);
        former.Drop("other");
        former.Dispose();
        _init.Ended(new ProcessExit(dies, 0, 9));
        while (!Knows(dies))
        {
            // the end is told on another thread than the hand-over
        }

        for (int i = 0; i < 2; i++)
        {
            using InitConnection later = _init.Connect();
            HandedOver all = later.HandOver();
            Assert.Equal(
                [new HeldProcess("vm-dies", JailedProgram.Monitor, dies, null, 9), new HeldProcess("vm-lives", JailedProgram.Monitor, lives, null, null)],
                all.Processes);
            FileDescriptor[] kept = Assert.Single(all.Kept, k => k.Key == "vm-lives").Value;
            Assert.Single(all.Kept);
            Assert.Equal([5, 6], kept.Select(k => k.Length));
            Array.ForEach(kept, k => k.Dispose());
        }
    }

    /// <summary>Whether PID 1 has heard of the end of a process.</summary>
    private bool Knows(int ended)
    {
        using InitConnection node = _init.Connect();
        HandedOver all = node.HandOver();
        foreach (FileDescriptor kept in all.Kept.Values.SelectMany(k => k))
            kept.Dispose();
        return all.Processes.Any(p => p.Pid == ended && p.HasEnded);
    }

    [Fact]
    public void Kill_reaches_only_what_still_runs()
    {
        using InitConnection node = _init.Connect();
        int pid = node.Start(JailedProgram.Monitor, "vm-1", [], 64 * MiB, []);
        node.Kill("vm-1");
        Assert.Equal((pid, 9), _jailer.Killed.Take());
        Assert.Throws<InitRefusedException>(() => node.Kill("vm-2"));
        Assert.Throws<InitRefusedException>(() => node.Kill("vm-1", 19));
        _init.Ended(new ProcessExit(pid, 0, 9));
        while (node.HandOver().Processes.Any(p => !p.HasEnded))
        {
        }
        node.Kill("vm-1");
        Assert.Empty(_jailer.Killed);
    }

    [Fact]
    public void Power_requests_and_stopping_cross_the_socket()
    {
        using InitConnection node = _init.Connect(listen: false);
        using ManualResetEventSlim stopping = new();
        node.Stopping += stopping.Set;
        node.Listen();
        node.PowerOff();
        Assert.Equal(PowerRequest.PowerOff, _init.Service.Power);
        _init.SayStopping();
        Assert.True(stopping.Wait(s_deadline));
    }

    [Fact]
    public void What_the_node_asks_about_its_door_is_heard_once_and_the_link_arrives_beside_the_word()
    {
        using InitConnection node = _init.Connect(listen: false);
        using BlockingCollection<SeqPacketSocket> doors = [];
        node.DoorOpened += doors.Add;
        node.Listen();
        node.OpenDoor();
        Assert.Equal(DoorRequest.Open, _init.Service.TakeDoorRequest());
        Assert.Equal(DoorRequest.None, _init.Service.TakeDoorRequest());
        (SeqPacketSocket ours, SeqPacketSocket theirs) = SeqPacketSocket.Pair();
        _init.GiveDoor(ours);
        Assert.True(doors.TryTake(out SeqPacketSocket? link, s_deadline));
        Assert.Equal(Errno.None, theirs.TrySend("hello"u8));
        byte[] buffer = new byte[16];
        Assert.Equal(Errno.None, link.TryReceive(buffer, out int length, out _));
        Assert.Equal(5, length);
        node.ReplaceDoor();
        Assert.Equal(DoorRequest.Replace, _init.Service.TakeDoorRequest());
        link.Dispose();
        theirs.Dispose();
    }

    [Fact]
    public void A_handler_may_ask_things_in_turn()
    {
        using InitConnection node = _init.Connect(listen: false);
        using ManualResetEventSlim done = new();
        node.Exited += e =>
        {
            node.Acknowledge(e.Name);
            done.Set();
        };
        node.Listen();
        _init.Ended(new ProcessExit(node.Start(JailedProgram.Monitor, "vm-1", [], 64 * MiB, []), 0, 0));
        Assert.True(done.Wait(s_deadline));
    }

    [Fact]
    public void Mutated_messages_never_harm_the_service_and_start_nothing_unnamed()
    {
        const int Seed = 4711;
        Random random = new(Seed);
        byte[][] good =
        [
            Encoding.UTF8.GetBytes("""{"verb":"Start","id":1,"name":"vm-1","program":"Monitor","arguments":["10"],"memoryBytes":67108864,"output":0}"""),
            Encoding.UTF8.GetBytes("""{"verb":"Keep","id":2,"name":"vm-1"}"""),
            Encoding.UTF8.GetBytes("""{"verb":"Kill","id":3,"name":"vm-1","signal":9}"""),
            Encoding.UTF8.GetBytes("""{"verb":"HandOver","id":4}"""),
        ];
        SpawnService service = new(_jailer, new KernelLog());
        SeqPacketSocket? peer = null;
        byte[] answer = new byte[SeqPacketSocket.MaxMessage];
        for (int i = 0; i < 10_000; i++)
        {
            if (peer is null)
            {
                (SeqPacketSocket ours, peer) = SeqPacketSocket.Pair();
                service.Connect(ours);
            }
            byte[] bytes = [.. good[random.Next(good.Length)]];
            for (int m = random.Next(1, 4); m > 0; m--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            Assert.Equal(Errno.None, peer.TrySend(bytes, random.Next(2) == 0 ? [peer.Descriptor.Number] : [], wait: false));
            bool alive = service.Receive();
            while (peer.TryReceive(answer, out int length, out FileDescriptor[] back, wait: false) == Errno.None && length > 0)
                Array.ForEach(back, d => d.Dispose());
            if (alive)
                continue;
            service.Disconnect();
            peer.Dispose();
            peer = null;
        }
        while (_jailer.Started.TryTake(out var started))
        {
            Assert.True(InitLimits.IsName(started.Request.Name), $"seed {Seed}");
            Array.ForEach(started.Descriptors, d => d.Dispose());
        }
        service.Disconnect();
    }
}
