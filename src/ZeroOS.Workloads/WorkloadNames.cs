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

    private const string FileName = "names.key";
    private readonly byte[] _key;

    /// <summary>Names under a key.</summary>
    /// <exception cref="ArgumentException">The key has another length than <see cref="KeyBytes"/>.</exception>
    public WorkloadNames(ReadOnlySpan<byte> key)
    {
        if (key.Length != KeyBytes)
            throw new ArgumentException($"a key of {key.Length} bytes: {KeyBytes} are needed", nameof(key));
        _key = key.ToArray();
    }

    /// <summary>Reads the node's key from its state directory; makes one where there is none, readable by the node alone.</summary>
    /// <exception cref="LinuxException">The key can be neither read nor written.</exception>
    public static WorkloadNames Open(string stateDirectory)
    {
        string path = Path.Combine(stateDirectory, FileName), fresh = path + ".new";
        // A file that is too short was never finished: nothing is named by it yet, for the rename comes after the last byte is on the disk.
        if (File.Exists(path) && File.ReadAllBytes(path) is { Length: KeyBytes } kept)
            return new WorkloadNames(kept);
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
        return new WorkloadNames(key);
    }

    /// <summary>The workload's name here: <see cref="Digits"/> lower-case hexadecimal digits, the same as long as the node keeps its state.</summary>
    public string Of(WorkloadId id) => Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(id.Full)).AsSpan(0, Digits / 2));
}
