using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Host.Machines;
using ZeroOS.Host.Processes;
using ZeroOS.Linux;
using ZeroOS.Tests.Init;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>The node's machines against PID 1's real spawn service; the test plays the monitors and their guests.</summary>
internal sealed class MachineHarness : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("zeroos-machines").FullName;

    private readonly ILog _log;
    private readonly MemoryReadings? _memory;
    private readonly SessionTimes? _sessions;

    public MachineHarness(ILog? log = null, MemoryReadings? memory = null, SessionTimes? sessions = null)
    {
        (_log, _memory, _sessions) = (log ?? new KernelLog(), memory, sessions);
        foreach (string file in (string[])["kvm", "vmlinux", "initramfs"])
            File.WriteAllText($"{_directory}/{file}", file);
        Init = new InitHarness(_ => Jailer, new KernelLog());
        Connection = Init.Connect();
        Machines = Make(Connection);
        Machines.Events = Events;
    }

    public static WorkloadId Id { get; } = new("tenant", "shop", "web");

    public static GuestSpec Spec { get; } = new()
    {
        Hostname = "web",
        RootDisk = "root",
        WritableDisk = "rw",
        Process = new GuestProcess { Arguments = ["/bin/true"] },
    };

    public FakeJailer Jailer { get; } = new();

    public InitHarness Init { get; }

    public InitConnection Connection { get; }

    public MachineRecorder Events { get; } = new();

    public FakeImage Image { get; } = new();

    public MachineHost Machines { get; set; }

    public MachineHost Make(InitConnection connection, HandedOver? left = null) =>
        new(connection, left ?? connection.HandOver(), TestNames.Names, _log,
            new GuestFiles($"{_directory}/kvm", $"{_directory}/vmlinux", $"{_directory}/initramfs"), _memory, _sessions);

    /// <summary>Starts a machine and returns its monitor.</summary>
    public FakeMonitor Start(WorkloadId? id = null, long reserved = 0, GuestSpec? spec = null)
    {
        Machines.Start(id ?? Id, new MachineStart
        {
            Cpus = 1,
            MemoryBytes = 256 << 20,
            ReservedBytes = reserved,
            Spec = spec ?? Spec,
            Image = Image,
            Disks = [("rw", FakeImage.File("disk"), false)],
            Nics = [new MachineNic(FakeImage.File("tap"), "02:00:00:00:00:01", "10.0.0.2/24", "10.0.0.1", true, 1500, [])],
        });
        Assert.True(Jailer.Started.TryTake(out var started, 20_000));
        return new FakeMonitor(started.Request, started.Descriptors, started.Pid, Init);
    }

    public void Dispose()
    {
        Machines.Dispose();
        Image.Close();
        Connection.Dispose();
        Init.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
