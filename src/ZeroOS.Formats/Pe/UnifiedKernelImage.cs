using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Formats.Pe;

/// <summary>
/// Puts a unified kernel image together: systemd's EFI stub with the kernel, the initramfs, the command line and the release description as PE sections
/// (the Unified Kernel Image specification of the UAPI group; PE/COFF specification, sections 2 to 4). Nothing in the stub moves; sections are added behind it.
/// </summary>
public static class UnifiedKernelImage
{
    private const int SectionHeaderBytes = 40;
    private const uint InitializedReadOnlyData = 0x40000040;

    /// <summary>Returns the image. Sections are added in the order given; the stub finds them by name (at most 8 ASCII characters).</summary>
    /// <exception cref="InvalidDataException">The stub is no PE32+ file, or has no room for the section headers.</exception>
    public static byte[] Assemble(ReadOnlySpan<byte> stub, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> sections)
    {
        PeLayout pe = PeLayout.Read(stub);
        int headersEnd = pe.SectionTable + ((pe.SectionCount + sections.Count) * SectionHeaderBytes);
        if (headersEnd > pe.FirstSectionOffset)
            throw new InvalidDataException($"the EFI stub has room for {(pe.FirstSectionOffset - pe.SectionTable) / SectionHeaderBytes} section headers, not {pe.SectionCount + sections.Count}");

        MemoryStream image = new();
        image.Write(stub);
        Pad(image, pe.FileAlignment);
        byte[] headers = new byte[sections.Count * SectionHeaderBytes];
        uint address = pe.EndAddress;
        uint added = 0;
        for (int i = 0; i < sections.Count; i++)
        {
            (string name, ReadOnlyMemory<byte> content) = sections[i];
            uint rawSize = AlignUp((uint)content.Length, pe.FileAlignment);
            Span<byte> header = headers.AsSpan(i * SectionHeaderBytes, SectionHeaderBytes);
            if (Encoding.ASCII.GetBytes(name, header[..8]) is 0)
                throw new ArgumentException("a section needs a name", nameof(sections));
            BinaryPrimitives.WriteUInt32LittleEndian(header[8..], (uint)content.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(header[12..], address);
            BinaryPrimitives.WriteUInt32LittleEndian(header[16..], rawSize);
            BinaryPrimitives.WriteUInt32LittleEndian(header[20..], (uint)image.Position);
            BinaryPrimitives.WriteUInt32LittleEndian(header[36..], InitializedReadOnlyData);
            image.Write(content.Span);
            Pad(image, pe.FileAlignment);
            address = AlignUp(address + (uint)content.Length, pe.SectionAlignment);
            added += rawSize;
        }

        byte[] bytes = image.ToArray();
        headers.CopyTo(bytes, pe.SectionTable + (pe.SectionCount * SectionHeaderBytes));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(pe.Coff + 2), (ushort)(pe.SectionCount + sections.Count));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(pe.Coff + 4), 0); // time stamp: the same input is the same image
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(pe.Optional + 8), pe.InitializedDataSize + added);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(pe.Optional + 56), address);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(pe.Optional + 64), 0); // checksum: firmware does not look
        return bytes;
    }

    /// <summary>The content of a section, or empty.</summary>
    /// <exception cref="InvalidDataException">No PE32+ file.</exception>
    public static ReadOnlyMemory<byte> Section(ReadOnlyMemory<byte> image, string name)
    {
        PeLayout pe = PeLayout.Read(image.Span);
        for (int i = 0; i < pe.SectionCount; i++)
        {
            ReadOnlySpan<byte> header = image.Span.Slice(pe.SectionTable + (i * SectionHeaderBytes), SectionHeaderBytes);
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]), offset = BinaryPrimitives.ReadUInt32LittleEndian(header[20..]);
            if (Encoding.ASCII.GetString(header[..8]).TrimEnd('\0') == name && offset <= image.Length && size <= image.Length - offset)
                return image.Slice((int)offset, (int)size);
        }
        return default;
    }

    private static void Pad(MemoryStream stream, uint alignment) => stream.Write(new byte[AlignUp((uint)stream.Position, alignment) - stream.Position]);

    private static uint AlignUp(uint value, uint alignment) => checked(value + alignment - 1) / alignment * alignment;

    /// <summary>Where things are in a PE32+ file; offsets are file offsets, checked against its length.</summary>
    private readonly record struct PeLayout(int Coff, int Optional, int SectionTable, int SectionCount, uint FirstSectionOffset, uint EndAddress,
        uint SectionAlignment, uint FileAlignment, uint InitializedDataSize)
    {
        public static PeLayout Read(ReadOnlySpan<byte> file)
        {
            const int Pe32PlusOptionalBytes = 112;
            if (file.Length < 0x40 || file[0] != 'M' || file[1] != 'Z')
                throw new InvalidDataException("not a PE file: no MZ header");
            int coff = BinaryPrimitives.ReadInt32LittleEndian(file[0x3C..]) + 4;
            if (coff < 0x44 || coff > file.Length - 20 - Pe32PlusOptionalBytes || !file[(coff - 4)..coff].SequenceEqual("PE\0\0"u8))
                throw new InvalidDataException("not a PE file: no PE header");
            int count = BinaryPrimitives.ReadUInt16LittleEndian(file[(coff + 2)..]), optionalSize = BinaryPrimitives.ReadUInt16LittleEndian(file[(coff + 16)..]);
            int optional = coff + 20, table = optional + optionalSize;
            if (BinaryPrimitives.ReadUInt16LittleEndian(file[optional..]) != 0x20B)
                throw new InvalidDataException("not a PE32+ file");
            uint sectionAlignment = BinaryPrimitives.ReadUInt32LittleEndian(file[(optional + 32)..]), fileAlignment = BinaryPrimitives.ReadUInt32LittleEndian(file[(optional + 36)..]);
            if (count is 0 or > 96 || table > file.Length - (count * SectionHeaderBytes) || sectionAlignment is 0 or > 1 << 20 || fileAlignment is 0 or > 1 << 16)
                throw new InvalidDataException("the PE section table is broken");
            uint first = uint.MaxValue, end = 0;
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<byte> header = file.Slice(table + (i * SectionHeaderBytes), SectionHeaderBytes);
                uint virtualSize = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]), address = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
                uint raw = BinaryPrimitives.ReadUInt32LittleEndian(header[20..]);
                if (raw != 0)
                    first = Math.Min(first, raw);
                end = Math.Max(end, AlignUp(checked(address + virtualSize), sectionAlignment));
            }
            return new PeLayout(coff, optional, table, count, first, end, sectionAlignment, fileAlignment, BinaryPrimitives.ReadUInt32LittleEndian(file[(optional + 8)..]));
        }
    }
}
