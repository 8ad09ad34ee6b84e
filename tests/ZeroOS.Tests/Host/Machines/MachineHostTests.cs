using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Init;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Host.Machines;
using ZeroOS.Host.Processes;
using ZeroOS.Linux;
using ZeroOS.Tests.Init;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>Machines against PID 1's real spawn service; the test plays the monitor and the guest on the descriptors a monitor is handed.</summary>
public sealed class MachineHostTests : IDisposable
{
    private static readonly WorkloadId s_id = new("tenant", "shop", "web");
    private readonly string _directory = Directory.CreateTempSubdirectory("zeroos-machines").FullName;
    private readonly FakeJailer _jailer = new();
    private readonly InitHarness _init;
    private readonly InitConnection _connection;
    private readonly Recorder _events = new();
    private readonly FakeImage _image = new();
    private MachineHost _machines;

    public MachineHostTests()
    {
        foreach (string file in (string[])["kvm", "vmlinux", "initramfs"])
            File.WriteAllText($"{_directory}/{file}", file);
        _init = new InitHarness(_ => _jailer, new KernelLog());
        _connection = _init.Connect();
        _machines = Make(_connection);
        _machines.Events = _events;
    }

    public void Dispose()
    {
        _machines.Dispose();
        _connection.Dispose();
        _init.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void A_monitor_is_told_exactly_the_descriptors_it_is_handed()
    {
        Monitor monitor = Start();
        VmConfig config = monitor.Config;

        Assert.Equal(["10"], monitor.Request.Arguments!);
        Assert.True(monitor.Request.MemoryBytes > (256 << 20));
        Assert.Equal("vmlinux", monitor.Text(config.KernelDescriptor));
        Assert.Equal("initramfs", monitor.Text(config.InitrdDescriptor));
        Assert.Equal("kvm", monitor.Text(config.KvmDescriptor));
        Assert.Equal(config.SerialDescriptor - 10, monitor.Request.Output);
        Assert.Equal(["device", "index", "verified"],
            new[] { config.Disks[0].Descriptor, config.Disks[0].IndexDescriptor, config.Disks[0].VerifiedDescriptor }.Select(monitor.Text));
        Assert.Equal("disk", monitor.Text(config.Disks[1].Descriptor));
        Assert.Equal("tap", monitor.Text(config.Nics[0].TapDescriptor));
        Assert.True(Encoding.UTF8.GetByteCount(config.CommandLine) < 2048);
        Assert.Equal([s_id], _machines.Running);
        Assert.NotNull(_image.Served);
    }

    [Fact]
    public void A_guest_gets_its_spec_says_its_part_and_its_end_is_told_once()
    {
        Monitor monitor = Start();
        using Guest guest = monitor.Dial();
        guest.Hello(hasSpec: false);
        Assert.Equal("web", JsonSerializer.Deserialize(guest.Expect(GuestFrameType.Spec), GuestJson.Default.GuestSpec)!.Hostname);
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(guest.Expect(GuestFrameType.LogsFrom)));
        guest.Send(GuestFrameType.Started, 0, """{"bootUs":5}""");
        Assert.Equal("started shop/web", _events.Next());
        guest.Send(GuestFrameType.Log, 1, "\0\0\0\0\0\0\0\0hello");
        Assert.Equal("output 0 1 hello", _events.Next());
        guest.Send(GuestFrameType.Exited, 0, """{"code":3}""");
        guest.Expect(GuestFrameType.Acknowledge);

        // The last words before the monitor's death count, even when the death is known first.
        monitor.End(new ProcessExit(monitor.Pid, 0, 0));
        Assert.True(SpinWait.SpinUntil(() => _machines.Ending.Count == 1, TimeSpan.FromSeconds(30)));
        guest.Send(GuestFrameType.Log, 2, "\u0005\0\0\0\0\0\0\0bye");
        guest.Dispose();

        Assert.Equal("output 5 2 bye", _events.Next());
        Assert.Equal("ended PoweredOff  3 the workload exited with code 3", _events.Next());
        Assert.Empty(_machines.Running);
        Assert.Equal("already-running", Assert.Throws<WorkloadException>(() => Start()).Reason);
        _machines.Acknowledge(s_id);
        Assert.Empty(_connection.HandOver().Processes);
        Assert.Empty(_connection.HandOver().Kept);
        Start();
    }

    [Fact]
    public void A_guest_that_never_came_up_is_explained_by_its_serial_port_and_its_monitors_last_words()
    {
        Monitor monitor = Start();
        monitor.Serial("Kernel panic - not syncing: no init\r\n");
        monitor.Say(new MonitorMessage { Verb = MonitorVerb.State, State = MachineState.Ended, Reason = "panic\u001b" });
        monitor.End(new ProcessExit(monitor.Pid, (int)MonitorExit.GuestPanic, 0));
        Assert.Equal("ended GuestPanic   the guest kernel panicked: panic?; it last said: Kernel panic - not syncing: no init", _events.Next());
    }

    [Fact]
    public void A_killed_monitor_is_an_end_like_any_other()
    {
        Monitor monitor = Start();
        monitor.End(new ProcessExit(monitor.Pid, 0, 9));
        Assert.Equal("ended  9  the machine was killed, or the host was short of memory", _events.Next());
    }

    [Fact]
    public void Stop_asks_a_guest_that_is_there_and_one_that_comes_later()
    {
        Monitor monitor = Start();
        _machines.Stop(s_id, new GuestStop { GraceMs = 60_000, Signal = "SIGQUIT" });
        using Guest guest = monitor.Dial();
        guest.Hello(hasSpec: true);
        guest.Expect(GuestFrameType.LogsFrom);
        Assert.Equal("SIGQUIT", JsonSerializer.Deserialize(guest.Expect(GuestFrameType.Stop), GuestJson.Default.GuestStop)!.Signal);
        _machines.Stop(s_id, new GuestStop { GraceMs = 1 });
        guest.Expect(GuestFrameType.Stop);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"verb":"Hello"}""")]
    [InlineData("""{"verb":"State","more":1}""")]
    public void A_monitor_that_breaks_the_protocol_is_killed(string message)
    {
        Monitor monitor = Start();
        Assert.Equal(Errno.None, monitor.Control.TrySend(Encoding.UTF8.GetBytes(message)));
        Assert.True(_jailer.Killed.TryTake(out (int Pid, int Signal) killed, 20_000));
        Assert.Equal((monitor.Pid, 9), killed);
    }

    [Fact]
    public void A_connection_to_another_port_is_closed()
    {
        Monitor monitor = Start();
        using Guest guest = monitor.Dial(port: 22);
        Assert.True(guest.IsClosedByNode());
    }

    [Fact]
    public void A_later_node_goes_on_with_the_machine()
    {
        Monitor monitor = Start();
        using (Guest guest = monitor.Dial())
        {
            guest.Hello(hasSpec: false);
            guest.Expect(GuestFrameType.Spec);
            _machines.Dispose();
            _connection.Dispose();
        }

        using InitConnection later = _init.Connect();
        _machines = Make(later);
        Assert.Equal([s_id], _machines.Running);
        Recorder events = new() { WantedFrom = 5 };
        _machines.Events = events;

        Assert.Equal(MonitorVerb.Hello, monitor.Hear().Verb);
        using Guest again = monitor.Dial();
        again.Hello(hasSpec: true, running: true);
        Assert.Equal(5, BinaryPrimitives.ReadInt64LittleEndian(again.Expect(GuestFrameType.LogsFrom)));
        Assert.Equal("started shop/web", events.Next());
        FakeImage image = new();
        _machines.ServeImage(s_id, image);
        _machines.ServeImage(s_id, image);
        Assert.Equal(Errno.None, image.Served!.TrySend("served"u8));
        byte[] heard = new byte[16];
        Assert.Equal(Errno.None, monitor.Chunks.TryReceive(heard, out int length, out _));
        Assert.Equal("served"u8, heard.AsSpan(0, length));
        Assert.Equal(1, image.Times);
        monitor.End(new ProcessExit(monitor.Pid, 0, 0));
        again.Dispose();
        Assert.Equal("ended PoweredOff   the guest powered off", events.Next());
    }

    [Fact]
    public void A_machine_that_ended_while_no_node_was_there_is_told_to_the_next()
    {
        Monitor monitor = Start();
        using (Guest guest = monitor.Dial())
        {
            guest.Hello(hasSpec: true);
            guest.Expect(GuestFrameType.LogsFrom);
            guest.Send(GuestFrameType.Exited, 0, """{"code":9}""");
            guest.Expect(GuestFrameType.Acknowledge);
            _machines.Dispose();
            _connection.Dispose();
        }
        monitor.End(new ProcessExit(monitor.Pid, 0, 0));

        for (int node = 0; node < 2; node++)
        {
            using InitConnection later = _init.Connect();
            HandedOver left = later.HandOver();
            while (left.Processes.Any(p => !p.HasEnded))
                left = later.HandOver();
            _machines = new MachineHost(later, left, new KernelLog(), Files());
            Assert.Empty(_machines.Running);
            Recorder events = new();
            _machines.Events = events;
            Assert.Equal("ended PoweredOff  9 the workload exited with code 9", events.Next());
            _machines.Dispose();
        }
    }

    [Fact]
    public void What_a_former_node_kept_but_never_started_is_dropped()
    {
        using FileDescriptor file = FileDescriptor.Memory("x");
        _connection.Keep("vm-0123456789abcdef", [file]);
        _connection.Keep("other", [file]);
        using MachineHost machines = Make(_connection);
        Assert.Equal(["other"], _connection.HandOver().Kept.Keys);
    }

    private MachineHost Make(InitConnection connection) => new(connection, connection.HandOver(), new KernelLog(), Files());

    private GuestFiles Files() => new($"{_directory}/kvm", $"{_directory}/vmlinux", $"{_directory}/initramfs");

    private Monitor Start()
    {
        _machines.Start(s_id, new MachineStart
        {
            Cpus = 1,
            MemoryBytes = 256 << 20,
            Spec = new GuestSpec { Hostname = "web", RootDisk = "root", WritableDisk = "rw", Process = new GuestProcess { Arguments = ["/bin/true"] } },
            Image = _image,
            Disks = [("rw", FakeImage.File("disk"), false)],
            Nics = [new MachineNic(FakeImage.File("tap"), "02:00:00:00:00:01", "10.0.0.2/24", "10.0.0.1", 1500, [])],
        });
        Assert.True(_jailer.Started.TryTake(out var started, 20_000));
        return new Monitor(started.Request, started.Descriptors, started.Pid, _init);
    }

    private sealed class Monitor(InitMessage request, FileDescriptor[] descriptors, int pid, InitHarness init)
    {
        public InitMessage Request { get; } = request;

        public int Pid { get; } = pid;

        public VmConfig Config { get; } = JsonSerializer.Deserialize(Read(descriptors[0]), MonitorJson.Default.VmConfig)!;

        public SeqPacketSocket Control => new(descriptors[Config.ControlDescriptor - 10]);

        public SeqPacketSocket Chunks => new(descriptors[Config.Disks[0].ChunkDescriptor - 10]);

        public string Text(int number) => Encoding.UTF8.GetString(Read(descriptors[number - 10]));

        public void Serial(string text) => descriptors[Config.SerialDescriptor - 10].Write(Encoding.UTF8.GetBytes(text));

        public void Say(MonitorMessage message, params int[] beside)
            => Assert.Equal(Errno.None, Control.TrySend(JsonSerializer.SerializeToUtf8Bytes(message, MonitorJson.Default.MonitorMessage), beside));

        public MonitorMessage Hear()
        {
            byte[] buffer = new byte[SeqPacketSocket.MaxMessage];
            Assert.Equal(Errno.None, Control.TryReceive(buffer, out int length, out _));
            return JsonSerializer.Deserialize(buffer.AsSpan(0, length), MonitorJson.Default.MonitorMessage)!;
        }

        public Guest Dial(uint port = GuestProtocol.Port)
        {
            (StreamSocket ours, StreamSocket theirs) = StreamSocket.Pair();
            Say(new MonitorMessage { Verb = MonitorVerb.VsockAccepted, Port = port }, theirs.Descriptor.Number);
            theirs.Dispose();
            return new Guest(ours.Descriptor);
        }

        public void End(ProcessExit exit)
        {
            foreach (FileDescriptor descriptor in descriptors)
                descriptor.Dispose();
            init.Ended(exit);
        }

        private static byte[] Read(FileDescriptor file)
        {
            byte[] bytes = new byte[file.Length];
            file.ReadExactlyAt(bytes, 0);
            return bytes;
        }
    }

    private sealed class Guest(FileDescriptor socket) : IDisposable
    {
        public void Hello(bool hasSpec, bool running = false)
            => Send(GuestFrameType.Hello, 0, $$"""{"version":1,"hasSpec":{{(hasSpec ? "true" : "false")}},"running":{{(running ? "true" : "false")}}}""");

        public void Send(GuestFrameType type, uint stream, string payload)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(payload), frame = new byte[GuestProtocol.HeaderSize + bytes.Length];
            BinaryPrimitives.WriteInt32LittleEndian(frame, bytes.Length);
            frame[4] = (byte)type;
            BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(5), stream);
            bytes.CopyTo(frame, GuestProtocol.HeaderSize);
            socket.Write(frame);
        }

        public byte[] Expect(GuestFrameType type)
        {
            byte[] header = Exactly(GuestProtocol.HeaderSize);
            Assert.Equal(type, (GuestFrameType)header[4]);
            return Exactly(BinaryPrimitives.ReadInt32LittleEndian(header));
        }

        public bool IsClosedByNode() => socket.Read(new byte[1]) == 0;

        public void Dispose() => socket.Dispose();

        private byte[] Exactly(int count)
        {
            byte[] bytes = new byte[count];
            for (int have = 0; have < count;)
            {
                int read = socket.Read(bytes.AsSpan(have));
                Assert.True(read > 0, "the node closed the guest's connection");
                have += read;
            }
            return bytes;
        }
    }

    private sealed class Recorder : IMachineEvents
    {
        private readonly BlockingCollection<string> _said = [];

        public long WantedFrom { get; init; }

        public string Next()
        {
            Assert.True(_said.TryTake(out string? next, 20_000), "nothing happened");
            return next;
        }

        public void Started(WorkloadId machine) => _said.Add($"started {machine}");

        public void Ended(WorkloadId machine, MachineEnd end) => _said.Add($"ended {end.Monitor} {end.MonitorSignal} {end.Workload?.Code} {end.Reason}");

        public void Output(WorkloadId machine, long offset, int stream, ReadOnlySpan<byte> bytes) => _said.Add($"output {offset} {stream} {Encoding.UTF8.GetString(bytes)}");

        public long OutputWantedFrom(WorkloadId machine) => WantedFrom;
    }

    private sealed class FakeImage : IImage
    {
        public SeqPacketSocket? Served { get; private set; }

        public int Times { get; private set; }

        public string Digest => "sha256:0";

        public ImageConfig Config { get; } = new();

        public long BytesFetched => 0;

        public long BytesTotal => 0;

        public long BytesCounted => 0;

        public (string Reason, string Message)? Trouble => null;

        public static FileDescriptor File(string text)
        {
            FileDescriptor file = FileDescriptor.Memory(text);
            file.Write(Encoding.UTF8.GetBytes(text));
            return file;
        }

        public (FileDescriptor Device, FileDescriptor Index, FileDescriptor Verified) OpenForMonitor() => (File("device"), File("index"), File("verified"));

        public void Serve(SeqPacketSocket nodeEnd)
        {
            Served = nodeEnd;
            Times++;
        }

        public void WorkloadRuns()
        {
        }

        public void Allow()
        {
        }

        public void Dispose()
        {
        }
    }
}
