using System.Buffers.Binary;

namespace ZeroOS.Tests.Vmm.Boot;

/// <summary>A small ELF kernel, with one segment at 1 MiB and the Xen note that says where it is entered.</summary>
internal static class ElfKernel
{
    /// <summary>Where its segment lies.</summary>
    public const uint Address = 0x100000;

    /// <summary>A kernel with this code.</summary>
    public static byte[] Of(ReadOnlySpan<byte> code, uint entry = Address)
    {
        byte[] elf = new byte[0x1000];
        Span<byte> s = elf;
        BinaryPrimitives.WriteUInt32LittleEndian(s, 0x464c457f);
        (s[4], s[5]) = (2, 1);
        BinaryPrimitives.WriteUInt16LittleEndian(s[18..], 62);
        BinaryPrimitives.WriteUInt64LittleEndian(s[32..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(s[54..], 56);
        BinaryPrimitives.WriteUInt16LittleEndian(s[56..], 2);
        Segment(s[64..], 1, 0x800, Address, 0x100, 0x400);
        Segment(s[120..], 4, 0x140, 0, 20, 20);
        BinaryPrimitives.WriteUInt32LittleEndian(s[0x140..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(s[0x144..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(s[0x148..], 18);
        "Xen\0"u8.CopyTo(s[0x14c..]);
        BinaryPrimitives.WriteUInt32LittleEndian(s[0x150..], entry);
        code.CopyTo(s[0x800..]);
        return elf;
    }

    private static void Segment(Span<byte> s, uint type, ulong offset, ulong address, ulong inFile, ulong inMemory)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(s, type);
        BinaryPrimitives.WriteUInt64LittleEndian(s[8..], offset);
        BinaryPrimitives.WriteUInt64LittleEndian(s[24..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(s[32..], inFile);
        BinaryPrimitives.WriteUInt64LittleEndian(s[40..], inMemory);
    }
}
