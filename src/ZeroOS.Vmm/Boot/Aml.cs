using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Vmm.Boot;

/// <summary>ACPI machine language by hand: as much as a tiny DSDT needs (ACPI 6.5, chapter 20). Each method returns encoded bytes; bodies nest.</summary>
internal static class Aml
{
    /// <summary>A scope with its content.</summary>
    public static byte[] Scope(string name, params byte[][] body) => Package([0x10], name, body);

    /// <summary>A device with its content.</summary>
    public static byte[] Device(string name, params byte[][] body) => Package([0x5b, 0x82], name, body);

    /// <summary>A method with its argument count; serialized.</summary>
    public static byte[] Method(string name, int arguments, params byte[][] body) => Package([0x14], name, [[(byte)(arguments | 8)], .. body]);

    /// <summary>A named value.</summary>
    public static byte[] Name(string name, byte[] value) => [0x08, .. Encoding.ASCII.GetBytes(name), .. value];

    /// <summary>Notify(<paramref name="name"/>, <paramref name="value"/>).</summary>
    public static byte[] Notify(string name, byte value) => [0x86, .. Encoding.ASCII.GetBytes(name), 0x0a, value];

    /// <summary>An integer in its shortest form.</summary>
    public static byte[] Integer(uint value) => value switch
    {
        0 => [0x00],
        1 => [0x01],
        <= 0xff => [0x0a, (byte)value],
        <= 0xffff => [0x0b, (byte)value, (byte)(value >> 8)],
        _ => [0x0c, .. UInt32(value)],
    };

    /// <summary>A string.</summary>
    public static byte[] Text(string value) => [0x0d, .. Encoding.ASCII.GetBytes(value), 0];

    /// <summary>A package of values.</summary>
    public static byte[] Values(params byte[][] values)
    {
        byte[] content = [(byte)values.Length, .. values.SelectMany(v => v)];
        return [0x12, .. Length(content.Length), .. content];
    }

    /// <summary>A compressed EISA id, "PNP0A08".</summary>
    public static byte[] EisaId(string id)
    {
        int letters = ((id[0] - '@') << 10) | ((id[1] - '@') << 5) | (id[2] - '@');
        int number = Convert.ToInt32(id[3..], 16);
        return [0x0c, (byte)(letters >> 8), (byte)letters, (byte)(number >> 8), (byte)number];
    }

    /// <summary>A resource template: a buffer of descriptors and the end tag.</summary>
    public static byte[] Resources(params byte[][] descriptors)
    {
        byte[] content = [.. descriptors.SelectMany(d => d), 0x79, 0];
        byte[] size = Integer((uint)content.Length);
        return [0x11, .. Length(size.Length + content.Length), .. size, .. content];
    }

    /// <summary>A fixed range of ports.</summary>
    public static byte[] Ports(ushort start, byte count) => [0x47, 1, (byte)start, (byte)(start >> 8), (byte)start, (byte)(start >> 8), 1, count];

    /// <summary>A fixed range of memory below 4 GiB.</summary>
    public static byte[] FixedMemory(uint start, uint size) => [0x86, 9, 0, 1, .. UInt32(start), .. UInt32(size)];

    /// <summary>An edge-triggered, active-high interrupt that nobody shares.</summary>
    public static byte[] EdgeInterrupt(uint gsi) => [0x89, 6, 0, 3, 1, .. UInt32(gsi)];

    /// <summary>The buses a bridge decodes.</summary>
    public static byte[] Buses(byte first, byte last) =>
        [0x88, 13, 0, 2, 0x0c, 0, 0, 0, first, 0, last, 0, 0, 0, (byte)(last - first + 1), 0];

    /// <summary>The memory a bridge decodes: read and write, not cacheable.</summary>
    public static byte[] Window(uint start, uint size) =>
        [0x87, 23, 0, 0, 0x0c, 1, .. UInt32(0), .. UInt32(start), .. UInt32(start + size - 1), .. UInt32(0), .. UInt32(size)];

    private static byte[] Package(byte[] opcode, string name, byte[][] body)
    {
        byte[] content = [.. Encoding.ASCII.GetBytes(name), .. body.SelectMany(b => b)];
        return [.. opcode, .. Length(content.Length), .. content];
    }

    // PkgLength counts its own bytes: one byte up to 63, else a nibble and one or two more.
    private static byte[] Length(int content)
    {
        if (content + 1 < 0x40)
            return [(byte)(content + 1)];
        if (content + 2 < 0x1000)
            return [(byte)(0x40 | ((content + 2) & 0xf)), (byte)((content + 2) >> 4)];
        return [(byte)(0x80 | ((content + 3) & 0xf)), (byte)((content + 3) >> 4), (byte)((content + 3) >> 12)];
    }

    private static byte[] UInt32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
