using System.Security.Cryptography;
using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Workloads;

/// <summary>
/// Short names for what a workload has on this node: interfaces, namespaces, directories, serial numbers. They are made with a key that only this node has, so
/// nobody can look for two workloads with one name; whoever uses one compares <see cref="WorkloadId.Full"/> with what is written on the thing all the same.
/// </summary>
public sealed class WorkloadNames
{
    /// <summary>Bytes of the key.</summary>
    public const int KeyBytes = 32;

    /// <summary>Hexadecimal digits of a name: 128 bits.</summary>
    public const int Digits = 32;

    /// <summary>Digits of a disk's serial number: as many as virtio's has bytes (virtio 1.2, 5.2.6.1).</summary>
    public const int SerialDigits = 20;

    private const string FileName = "names.key";
    private readonly Lazy<byte[]> _key;

    /// <summary>Names under a key.</summary>
    /// <exception cref="ArgumentException">The key has another length than <see cref="KeyBytes"/>.</exception>
    public WorkloadNames(ReadOnlySpan<byte> key)
    {
        if (key.Length != KeyBytes)
            throw new ArgumentException($"a key of {key.Length} bytes: {KeyBytes} are needed", nameof(key));
        byte[] copy = key.ToArray();
        _key = new Lazy<byte[]>(copy);
    }

    private WorkloadNames(Func<byte[]> key) => _key = new Lazy<byte[]>(key);

    /// <summary>
    /// Names under the node's key in its state directory. It is read when the first name is asked for; where there is none it is made then, readable by the
    /// node alone. That name throws <see cref="LinuxException"/> if the key can be neither read nor written.
    /// </summary>
    public static WorkloadNames Open(string stateDirectory) => new(() => ReadOrMake(stateDirectory));

    /// <summary>The workload's name here: <see cref="Digits"/> lower-case hexadecimal digits, the same as long as the node keeps its state.</summary>
    public string Of(WorkloadId id) => Convert.ToHexStringLower(HMACSHA256.HashData(_key.Value, Encoding.UTF8.GetBytes(id.Full)).AsSpan(0, Digits / 2));

    /// <summary>The disk's serial number: the first <see cref="SerialDigits"/> of its name. It tells the disks of one machine apart and nothing else.</summary>
    public string SerialOf(WorkloadId disk) => Of(disk)[..SerialDigits];

    private static byte[] ReadOrMake(string stateDirectory)
    {
        string path = Path.Combine(stateDirectory, FileName), fresh = path + ".new";
        // A file that is too short was never finished: nothing is named by it yet, for the rename comes after the last byte is on the disk.
        if (File.Exists(path) && File.ReadAllBytes(path) is { Length: KeyBytes } kept)
            return kept;
        byte[] key = RandomNumberGenerator.GetBytes(KeyBytes);
        Directory.CreateDirectory(stateDirectory);
        File.Delete(fresh);
        using (FileDescriptor file = FileDescriptor.Open(fresh, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, Mode.OwnerOnly))
        {
            file.Write(key);
            file.Sync();
        }
        File.Move(fresh, path, overwrite: true);
        using FileDescriptor directory = FileDescriptor.Open(stateDirectory, OpenFlags.ReadOnly | OpenFlags.Directory);
        directory.Sync();
        return key;
    }
}
