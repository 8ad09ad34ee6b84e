using System.Text.Json;

using ZeroOS.Contracts.Init;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Machines;

/// <summary>Files of the image that every machine boots from.</summary>
internal sealed record GuestFiles(string Kvm, string Kernel, string Initramfs)
{
    /// <summary>Where they are on a node.</summary>
    internal static readonly GuestFiles OnNode = new("/dev/kvm", "/guest/vmlinux", "/guest/initramfs.cpio");
}

/// <summary>
/// Everything a monitor is started with: its configuration, and the descriptors in the order in which it finds them. What is opened here is closed with the
/// plan; the monitor has its own by then.
/// </summary>
internal sealed class MonitorPlan : IDisposable
{
    private readonly List<FileDescriptor> _handed = [];
    private readonly List<FileDescriptor> _own = [];

    private MonitorPlan()
    {
    }

    /// <summary>The descriptors, in order.</summary>
    public IReadOnlyList<FileDescriptor> Descriptors => _handed;

    /// <summary>What the monitor reads from its first descriptor.</summary>
    public VmConfig Config { get; private set; } = null!;

    /// <summary>Bytes of the largest disk that it may write to: it writes no file beyond.</summary>
    public long LargestDisk { get; private set; }

    /// <summary>Which of the descriptors is its standard output and error.</summary>
    public int Output { get; private set; }

    /// <summary>Builds the plan. <paramref name="start"/>'s disks and taps are borrowed; the three socket and pipe ends become the plan's.</summary>
    public static MonitorPlan Make(MachineStart start, GuestFiles files, FileDescriptor control, FileDescriptor chunks, FileDescriptor serial)
    {
        MonitorPlan plan = new();
        try
        {
            FileDescriptor config = plan.Own(FileDescriptor.Memory("config"));
            plan._handed.Add(config);
            int kernel = plan.Hand(plan.Own(FileDescriptor.Open(files.Kernel, OpenFlags.ReadOnly)));
            int initrd = plan.Hand(plan.Own(FileDescriptor.Open(files.Initramfs, OpenFlags.ReadOnly)));
            int kvm = plan.Hand(plan.Own(FileDescriptor.Open(files.Kvm, OpenFlags.ReadWrite)));
            int controlAt = plan.Hand(plan.Own(control)), chunksAt = plan.Hand(plan.Own(chunks)), serialAt = plan.Hand(plan.Own(serial));
            plan.Output = serialAt - InitLimits.FirstDescriptor;
            (FileDescriptor device, FileDescriptor index, FileDescriptor verified) = start.Image.OpenForMonitor();
            List<VmDisk> disks =
            [
                new VmDisk
                {
                    Serial = start.Spec.RootDisk,
                    Kind = VmDiskKind.Flist,
                    ReadOnly = true,
                    Descriptor = plan.Hand(plan.Own(device)),
                    IndexDescriptor = plan.Hand(plan.Own(index)),
                    VerifiedDescriptor = plan.Hand(plan.Own(verified)),
                    ChunkDescriptor = chunksAt,
                },
            ];
            foreach ((string serialNumber, FileDescriptor disk, bool readOnly) in start.Disks)
                disks.Add(new VmDisk { Serial = serialNumber, Kind = VmDiskKind.Raw, Descriptor = plan.Hand(disk), ReadOnly = readOnly });
            plan.LargestDisk = start.Disks.Where(d => !d.ReadOnly).Select(d => d.Disk.Length).DefaultIfEmpty().Max();
            plan.Config = new VmConfig
            {
                Cpus = start.Cpus,
                MemoryBytes = start.MemoryBytes,
                KernelDescriptor = kernel,
                InitrdDescriptor = initrd,
                CommandLine = GuestKernel.CommandLine,
                KvmDescriptor = kvm,
                ControlDescriptor = controlAt,
                SerialDescriptor = serialAt,
                Disks = disks,
                Nics = [.. start.Nics.Select(n => new VmNic { TapDescriptor = plan.Hand(n.Tap), Mac = n.Mac, Mtu = n.Mtu })],
            };
            config.WriteAt(JsonSerializer.SerializeToUtf8Bytes(plan.Config, MonitorJson.Default.VmConfig), 0);
            return plan;
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _own.ForEach(d => d.Dispose());

    private int Hand(FileDescriptor descriptor)
    {
        _handed.Add(descriptor);
        return InitLimits.FirstDescriptor + _handed.Count - 1;
    }

    private FileDescriptor Own(FileDescriptor descriptor)
    {
        _own.Add(descriptor);
        return descriptor;
    }
}
