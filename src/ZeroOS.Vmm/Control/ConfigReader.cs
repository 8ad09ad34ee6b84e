using System.Text.Json;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;

namespace ZeroOS.Vmm.Control;

/// <summary>Reads and checks the configuration; whatever is wrong is said by the field's name, and nothing has run.</summary>
internal static class ConfigReader
{
    private const int MaxBytes = 64 * 1024, MaxCpus = 8, MaxDisks = 16, MaxNics = 8, MaxSerial = 20;
    private const long MinMemory = 32L << 20, MaxMemory = 1L << 40, MemoryStep = 2L << 20;

    /// <summary>Reads from the start of a file, or from a pipe to its end.</summary>
    /// <exception cref="ConfigException">Unreadable, not JSON of the contract, or out of bounds.</exception>
    public static VmConfig Read(FileDescriptor file)
    {
        byte[] bytes = new byte[MaxBytes];
        int length = 0;
        while (length < bytes.Length)
        {
            // A memfd's position is wherever its writer left it; a pipe has none.
            Errno errno = file.TryReadAt(bytes.AsSpan(length), length, out int n);
            if (errno == Errno.ESPIPE)
                errno = file.TryRead(bytes.AsSpan(length), out n);
            if (errno != Errno.None)
                throw new ConfigException($"the configuration cannot be read: {errno}");
            if (n == 0)
                break;
            length += n;
        }
        try
        {
            VmConfig? config = JsonSerializer.Deserialize(bytes.AsSpan(0, length), MonitorJson.Default.VmConfig);
            return Check(config ?? throw new ConfigException("the configuration is null"));
        }
        catch (JsonException e)
        {
            throw new ConfigException($"the configuration is not valid: {e.Message}");
        }
    }

    /// <summary>Checks every bound of <see cref="VmConfig"/>.</summary>
    public static VmConfig Check(VmConfig c)
    {
        Require(c.Cpus is >= 1 and <= MaxCpus, $"cpus is {c.Cpus}, not 1 to {MaxCpus}");
        Require(c.MemoryBytes is >= MinMemory and <= MaxMemory && c.MemoryBytes % MemoryStep == 0,
            $"memoryBytes is {c.MemoryBytes}, not a multiple of 2 MiB from 32 MiB");
        Require(c.CommandLine.Length <= Boot.Layout.CommandLineMax && !c.CommandLine.Contains('\0'), "commandLine is longer than 2047 bytes");
        Require(c.Disks.Count <= MaxDisks, $"disks has {c.Disks.Count} entries, more than {MaxDisks}");
        Require(c.Nics.Count <= MaxNics, $"nics has {c.Nics.Count} entries, more than {MaxNics}");
        Require(c.GuestCid is >= 3 and < uint.MaxValue, $"guestCid is {c.GuestCid}, below 3");
        var descriptors = new HashSet<int>();
        void Own(int descriptor, string field) =>
            Require(descriptor >= 0 && descriptors.Add(descriptor), $"{field} is {descriptor}, which is negative or used twice");
        Own(c.KernelDescriptor, "kernelDescriptor");
        Own(c.InitrdDescriptor, "initrdDescriptor");
        Own(c.KvmDescriptor, "kvmDescriptor");
        Own(c.ControlDescriptor, "controlDescriptor");
        if (c.SerialDescriptor != -1)
            Own(c.SerialDescriptor, "serialDescriptor");
        var serials = new HashSet<string>();
        foreach (VmDisk disk in c.Disks)
        {
            Require(disk.Serial.Length is > 0 and <= MaxSerial && disk.Serial.All(ch => ch is > ' ' and < '\x7f'),
                $"serial \"{disk.Serial}\" is not 1 to {MaxSerial} ASCII bytes");
            Require(serials.Add(disk.Serial), $"serial \"{disk.Serial}\" is used twice");
            Own(disk.Descriptor, "descriptor");
            if (disk.Kind != VmDiskKind.Flist)
                continue;
            Own(disk.IndexDescriptor, "indexDescriptor");
            Own(disk.VerifiedDescriptor, "verifiedDescriptor");
            Own(disk.ChunkDescriptor, "chunkDescriptor");
        }
        foreach (VmNic nic in c.Nics)
        {
            Own(nic.TapDescriptor, "tapDescriptor");
            Require(CardAddress.TryParse(nic.Mac, out _), $"mac \"{nic.Mac}\" is not a unicast address like 02:00:00:00:00:01");
            Require(nic.Mtu is >= 1280 and <= 65535, $"mtu is {nic.Mtu}, not 1280 to 65535");
        }
        return c;
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ConfigException(message);
    }
}
