using System.Globalization;
using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Linux.Taps;

namespace ZeroOS.Bench;

/// <summary>Our monitor: a disk, a tap, vsock, rng and serial.</summary>
internal sealed class ZvmmContender(FileDescriptor console) : Contender("zvmm")
{
    private SeqPacketSocket? _control;

    protected override int Start(FileDescriptor serial, string commandLine, long memoryBytes)
    {
        const int Config = 10, Kvm = 11, Control = 12, Serial = 13, Kernel = 14, Initrd = 15, DiskAt = 16, Tap = 17;
        _control?.Dispose();
        (_control, SeqPacketSocket theirs) = SeqPacketSocket.Pair();
        VmConfig config = new()
        {
            Cpus = 1,
            MemoryBytes = memoryBytes,
            KvmDescriptor = Kvm,
            ControlDescriptor = Control,
            SerialDescriptor = Serial,
            KernelDescriptor = Kernel,
            InitrdDescriptor = Initrd,
            CommandLine = commandLine,
            Disks = [new VmDisk { Serial = "bench", Kind = VmDiskKind.Raw, Descriptor = DiskAt }],
            Nics = [new VmNic { TapDescriptor = Tap, Mac = "02:00:00:00:00:01" }],
        };
        using FileDescriptor json = FileDescriptor.Memory("config");
        json.WriteAt(JsonSerializer.SerializeToUtf8Bytes(config, MonitorJson.Default.VmConfig), 0);
        using FileDescriptor kvm = FileDescriptor.Open("/dev/kvm", OpenFlags.ReadWrite), kernel = FileDescriptor.Open("/guest/vmlinux", OpenFlags.ReadOnly);
        using FileDescriptor initrd = FileDescriptor.Open("/guest/initramfs.cpio", OpenFlags.ReadOnly), disk = Disk(),
            errors = FileDescriptor.Open("/dev/console", OpenFlags.WriteOnly);
        using FileDescriptor tap = TapDevice.TryOpen("bench0") ?? throw new LinuxException(Errno.EBUSY, "open tap", "bench0");
        using (theirs)
        {
            return ChildProcess.Spawn(new ChildStart
            {
                Path = "/zvmm",
                Arguments = ["zvmm", "10"],
                Descriptors = [(errors, 2), (json, Config), (kvm, Kvm), (theirs.Descriptor, Control), (serial, Serial), (kernel, Kernel), (initrd, Initrd),
                    (disk, DiskAt), (tap, Tap)],
            });
        }
    }

    /// <summary>Writes the monitor's own counters, exits by reason among them: they say where the time went.</summary>
    protected override void Inspect()
    {
        _ = _control!.TrySend(JsonSerializer.SerializeToUtf8Bytes(new MonitorMessage { Verb = MonitorVerb.GetStatistics }, MonitorJson.Default.MonitorMessage));
        byte[] buffer = new byte[SeqPacketSocket.MaxMessage];
        while (_control.TryReceive(buffer, out int length, out _) == Errno.None && length > 0)
        {
            if (JsonSerializer.Deserialize(buffer.AsSpan(0, length), MonitorJson.Default.MonitorMessage)
                is not { Verb: MonitorVerb.Statistics, Counters: { } counters })
                continue;
            IEnumerable<string> parts = counters.Where(c => c.Value > 0).Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Key}={c.Value}"));
            console.Write(Encoding.UTF8.GetBytes($"zbench: zvmm counters {string.Join(' ', parts)}\n"));
            return;
        }
    }
}
