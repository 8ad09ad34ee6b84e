using System.Buffers.Binary;

using ZeroOS.Linux;
using ZeroOS.Vmm.Memory;

namespace ZeroOS.Vmm.Boot;

/// <summary>An uncompressed vmlinux: no decompression in the guest, entered through its PVH note (Xen ELF note 18).</summary>
internal static class ElfKernel
{
    private const int HeaderSize = 64, SegmentSize = 56, MaxSegments = 64, MaxNotes = 64 * 1024;
    private const uint PT_LOAD = 1, PT_NOTE = 4, PhysicalEntryNote = 18;

    /// <summary>Loads the segments at their physical addresses.</summary>
    /// <exception cref="BootException">Not a 64-bit x86 ELF, no PVH note, or a segment outside memory or over another.</exception>
    public static LoadedKernel Load(FileDescriptor file, ReadOnlySpan<byte> head, GuestMemory memory)
    {
        if (head[4] != 2 || head[5] != 1 || BinaryPrimitives.ReadUInt16LittleEndian(head[18..]) != 62)
            throw new BootException("the kernel's ELF file is not little-endian x86-64");
        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(head[32..]);
        int entrySize = BinaryPrimitives.ReadUInt16LittleEndian(head[54..]), count = BinaryPrimitives.ReadUInt16LittleEndian(head[56..]);
        if (entrySize != SegmentSize || count is 0 or > MaxSegments || table < HeaderSize || table > 1 << 30)
            throw new BootException("the kernel's ELF program headers are damaged");
        byte[] segments = new byte[count * SegmentSize];
        Read(file, segments, (long)table);

        ulong end = Layout.HighMemory;
        uint entry = 0;
        var loaded = new List<(ulong Start, ulong End)>();
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> s = segments.AsSpan(i * SegmentSize, SegmentSize);
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(s);
            ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(s[8..]), address = BinaryPrimitives.ReadUInt64LittleEndian(s[24..]);
            ulong inFile = BinaryPrimitives.ReadUInt64LittleEndian(s[32..]), inMemory = BinaryPrimitives.ReadUInt64LittleEndian(s[40..]);
            if (offset > long.MaxValue)
                throw new BootException("a segment of the kernel lies outside its file");
            if (type == PT_NOTE && inFile <= MaxNotes)
            {
                byte[] notes = new byte[inFile];
                Read(file, notes, (long)offset);
                entry = FindEntry(notes) ?? entry;
            }
            if (type != PT_LOAD || inMemory == 0)
                continue;
            if (inFile > inMemory || address < Layout.HighMemory || address >= memory.LowSize || inMemory > memory.LowSize - address)
                throw new BootException($"a segment of the kernel (0x{address:x}, 0x{inMemory:x} bytes) lies outside the guest's memory");
            if (loaded.Exists(l => address < l.End && l.Start < address + inMemory))
                throw new BootException("two segments of the kernel overlap");
            loaded.Add((address, address + inMemory));
            memory.PlaceFile(address, file, (long)offset, inFile, "the kernel");
            end = Math.Max(end, address + inMemory);
        }
        if (!loaded.Exists(l => l.Start <= entry && entry < l.End))
            throw new BootException("the kernel has no PVH entry (ELF note Xen 18) inside its segments");
        return new LoadedKernel(BootProtocol.Pvh, entry, end, memory.LowSize, []);
    }

    private static uint? FindEntry(ReadOnlySpan<byte> notes)
    {
        // Each step consumes at least a header, so damaged sizes end the loop and never stall it.
        while (notes.Length >= 12)
        {
            uint nameSize = BinaryPrimitives.ReadUInt32LittleEndian(notes), dataSize = BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]);
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]);
            notes = notes[12..];
            ulong nameSpan = (nameSize + 3UL) & ~3UL, dataSpan = (dataSize + 3UL) & ~3UL;
            if (nameSpan > (ulong)notes.Length || dataSpan > (ulong)notes.Length - nameSpan)
                return null;
            ReadOnlySpan<byte> data = notes.Slice((int)nameSpan, (int)dataSize);
            if (type == PhysicalEntryNote && nameSize == 4 && notes[..4].SequenceEqual("Xen\0"u8) && data.Length is 4 or 8)
                return BinaryPrimitives.ReadUInt32LittleEndian(data);
            notes = notes[(int)(nameSpan + dataSpan)..];
        }
        return null;
    }

    private static void Read(FileDescriptor file, Span<byte> buffer, long offset)
    {
        if (buffer.Length > 0 && (file.TryReadAt(buffer, offset, out int n) != Errno.None || n != buffer.Length))
            throw new BootException("the kernel file ends early");
    }
}
