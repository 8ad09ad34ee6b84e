using System.Net;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>A wanted machine as its monitor gets it: with cards, disks and what its guest is told.</summary>
internal static class MachineAssembly
{
    /// <summary>What a machine's monitor is started with.</summary>
    /// <param name="parts">Makes its cards and opens its disks.</param>
    /// <param name="wanted">The machine.</param>
    /// <param name="all">All that its tenant wants: it finds others by name.</param>
    /// <param name="image">Its image.</param>
    /// <param name="now">The time that it is told.</param>
    /// <param name="opened">Gets each descriptor as it is opened: the caller's when this throws.</param>
    /// <exception cref="WorkloadException">card-busy, and what networks, volumes and <see cref="GuestSpecBuilder.Build"/> say.</exception>
    public static MachineStart Make(EngineParts parts, WantedMachine wanted, IEnumerable<WantedMachine> all, IImage image, DateTimeOffset now,
        List<IDisposable> opened)
    {
        WorkloadId id = wanted.Id;
        ZmachineData data = wanted.Machine.Data;
        List<MachineNic> nics = [];
        foreach ((string network, uint address) in wanted.Cards)
        {
            MachineNic nic = parts.Networks.Attach(id.Named(network), id, IPAddress.Parse(Ipv4Range.Text(address)));
            opened.Add(nic.Tap);
            if (nic.Tap.IsInvalid)
                throw new WorkloadException("card-busy", $"the machine's card in network \"{network}\" is still held by its last run");
            nics.Add(nic);
        }
        List<(string Serial, FileDescriptor Disk, bool ReadOnly)> disks = [];
        foreach ((WorkloadId disk, bool readOnly) in data.Mounts.Select(m => (id.Named(m.Volume), m.ReadOnly)).Prepend((DiskIds.Root(id), false)))
        {
            FileDescriptor descriptor = parts.Volumes.Open(disk, readOnly);
            opened.Add(descriptor);
            disks.Add((parts.Names.SerialOf(disk), descriptor, readOnly));
        }
        return new MachineStart
        {
            Cpus = data.Cpu,
            MemoryBytes = MachineCeiling.Of(data.Memory, parts.Store.Grant(id.Tenant)?.Grant),
            ReservedBytes = parts.Limits.ReservedMemory(MachineCeiling.Reserved(data.Memory)),
            Spec = GuestSpecBuilder.Build(id, parts.Names, data, image.Config, nics, HostLines.Of(wanted, all), now),
            Image = image,
            Disks = disks,
            Nics = nics,
        };
    }
}
