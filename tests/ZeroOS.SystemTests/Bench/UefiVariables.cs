using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// The UEFI variables of a switched-off machine: OVMF's flash file (vars.fd), a firmware volume (PI 1.7, volume 3, 2.1.2) with a store of authenticated
/// variables (EDK II, Include/Guid/VariableFormat.h). What somebody with their hands on the flash could write; those that a key protects stay protected by the
/// firmware.
/// </summary>
internal sealed class UefiVariables
{
    /// <summary>The vendor of Boot####, BootOrder and BootNext.</summary>
    public static readonly Guid Global = new("8be4df61-93ca-11d2-aa0d-00e098032b8c");

    private const int StoreHead = 28, Head = 60;
    private const ushort Start = 0x55aa;
    private const byte Added = 0x3f, Deleted = 0x3d;
    private const uint NonVolatileBootRuntime = 7;
    private readonly string _file;
    private readonly byte[] _flash;
    private readonly int _first, _end;

    private UefiVariables(string file)
    {
        (_file, _flash) = (file, File.ReadAllBytes(file));
        int volumeHead = BinaryPrimitives.ReadUInt16LittleEndian(_flash.AsSpan(48));
        _first = volumeHead + StoreHead;
        _end = volumeHead + BinaryPrimitives.ReadInt32LittleEndian(_flash.AsSpan(volumeHead + 16));
    }

    /// <summary>Opens a flash file.</summary>
    public static UefiVariables Open(string file) => new(file);

    /// <summary>A variable's value, or null.</summary>
    public byte[]? Get(Guid vendor, string name)
    {
        foreach ((int at, int nameBytes, int dataBytes) in Live())
        {
            if (Is(at, nameBytes, vendor, name))
                return _flash.AsSpan(at + Head + nameBytes, dataBytes).ToArray();
        }
        return null;
    }

    /// <summary>Sets a variable that no key protects and writes the file.</summary>
    public void Put(Guid vendor, string name, ReadOnlySpan<byte> value)
    {
        int free = _first;
        foreach ((int at, int nameBytes, int dataBytes) in All())
        {
            if (_flash[at + 2] == Added && Is(at, nameBytes, vendor, name))
                _flash[at + 2] = Deleted;
            free = After(at, nameBytes, dataBytes);
        }
        byte[] text = Encoding.Unicode.GetBytes(name + '\0');
        Span<byte> variable = _flash.AsSpan(free, Head + text.Length + value.Length);
        variable.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(variable, Start);
        variable[2] = Added;
        BinaryPrimitives.WriteUInt32LittleEndian(variable[4..], NonVolatileBootRuntime);
        BinaryPrimitives.WriteInt32LittleEndian(variable[36..], text.Length);
        BinaryPrimitives.WriteInt32LittleEndian(variable[40..], value.Length);
        vendor.TryWriteBytes(variable[44..]);
        text.CopyTo(variable[Head..]);
        value.CopyTo(variable[(Head + text.Length)..]);
        File.WriteAllBytes(_file, _flash);
    }

    /// <summary>
    /// A load option (UEFI 2.10, 3.1.3) for a file on a partition, found by the partition's id wherever the disk is; <paramref name="arguments"/> is what the
    /// program is told.
    /// </summary>
    public static byte[] LoadOption(string description, Guid partition, long firstSector, long sectors, string path, string arguments)
    {
        MemoryStream nodes = new();
        using (BinaryWriter node = new(nodes, Encoding.Unicode, leaveOpen: true))
        {
            node.Write([4, 1, 42, 0]); // media, hard drive
            node.Write(1);
            node.Write(firstSector);
            node.Write(sectors);
            node.Write(partition.ToByteArray());
            node.Write([2, 2]); // GPT, a GUID
            byte[] file = Encoding.Unicode.GetBytes(path + '\0');
            node.Write([4, 4]); // media, file path
            node.Write((ushort)(4 + file.Length));
            node.Write(file);
            node.Write([0x7f, 0xff, 4, 0]);
        }
        MemoryStream option = new();
        using BinaryWriter o = new(option);
        o.Write(1); // active
        o.Write((ushort)nodes.Length);
        o.Write(Encoding.Unicode.GetBytes(description + '\0'));
        o.Write(nodes.ToArray());
        o.Write(Encoding.Unicode.GetBytes(arguments + '\0'));
        return option.ToArray();
    }

    private IEnumerable<(int At, int NameBytes, int DataBytes)> Live() => All().Where(v => _flash[v.At + 2] == Added);

    private IEnumerable<(int At, int NameBytes, int DataBytes)> All()
    {
        int at = _first;
        while (at + Head <= _end && BinaryPrimitives.ReadUInt16LittleEndian(_flash.AsSpan(at)) == Start)
        {
            (int nameBytes, int dataBytes) = (BinaryPrimitives.ReadInt32LittleEndian(_flash.AsSpan(at + 36)),
                BinaryPrimitives.ReadInt32LittleEndian(_flash.AsSpan(at + 40)));
            yield return (at, nameBytes, dataBytes);
            at = After(at, nameBytes, dataBytes);
        }
    }

    private static int After(int at, int nameBytes, int dataBytes) => (at + Head + nameBytes + dataBytes + 3) & ~3;

    private bool Is(int at, int nameBytes, Guid vendor, string name) => new Guid(_flash.AsSpan(at + 44, 16)) == vendor
        && Encoding.Unicode.GetString(_flash, at + Head, nameBytes).TrimEnd('\0') == name;
}
