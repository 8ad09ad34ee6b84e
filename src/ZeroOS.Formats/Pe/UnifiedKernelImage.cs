using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Formats.Pe;

/// <summary>
/// Puts a unified kernel image together: systemd's EFI stub with the kernel, the initramfs, the command line and the release description as PE sections
/// (the Unified Kernel Image specification of the UAPI group; PE/COFF specification, sections 2 to 4). Nothing in the stub moves; sections are added behind it.
/// </summary>
public static class UnifiedKernelImage
{
    /// <summary>
    /// The sections that systemd-stub 252 knows, in the order in which it measures them into PCR 11; .pcrsig it measures not at all (tpm-pcr.h).
    /// </summary>
    public static readonly IReadOnlyList<string> KnownSections = [".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".pcrsig", ".pcrpkey"];

    private const uint InitializedReadOnlyData = 0x40000040;

    /// <summary>Returns the image, unsigned. Sections are added in the order given; the stub finds them by name (at most 8 ASCII characters).</summary>
    /// <exception cref="InvalidDataException">The stub is no PE32+ file, or has no room for the section headers.</exception>
    public static byte[] Assemble(ReadOnlySpan<byte> stub, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> sections)
    {
        PeLayout pe = PeLayout.Read(stub);
        int count = pe.Sections.Count + sections.Count, headersEnd = pe.SectionTable + (count * PeLayout.SectionHeaderBytes);
        if (headersEnd > Math.Min(pe.FirstSectionOffset, pe.HeadersSize))
            throw new InvalidDataException(
                $"the EFI stub has room for {(pe.FirstSectionOffset - pe.SectionTable) / PeLayout.SectionHeaderBytes} section headers, not {count}");

        // The stub's symbols lie behind its sections and go: firmware and signing tools do not agree on how bytes that no section owns are hashed.
        MemoryStream image = new();
        image.Write(stub[..(int)pe.LastSectionEnd]);
        Pad(image, pe.FileAlignment);
        byte[] headers = new byte[sections.Count * PeLayout.SectionHeaderBytes];
        uint address = pe.EndAddress;
        ulong initialized = pe.InitializedDataSize;
        for (int i = 0; i < sections.Count; i++)
        {
            (string name, ReadOnlyMemory<byte> content) = sections[i];
            uint rawSize = PeLayout.AlignUp((ulong)content.Length, pe.FileAlignment);
            Span<byte> header = headers.AsSpan(i * PeLayout.SectionHeaderBytes, PeLayout.SectionHeaderBytes);
            if (Encoding.ASCII.GetBytes(name, header[..8]) is 0)
                throw new ArgumentException("a section needs a name", nameof(sections));
            BinaryPrimitives.WriteUInt32LittleEndian(header[8..], (uint)content.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(header[12..], address);
            BinaryPrimitives.WriteUInt32LittleEndian(header[16..], rawSize);
            BinaryPrimitives.WriteUInt32LittleEndian(header[20..], (uint)image.Position);
            BinaryPrimitives.WriteUInt32LittleEndian(header[36..], InitializedReadOnlyData);
            image.Write(content.Span);
            Pad(image, pe.FileAlignment);
            address = PeLayout.AlignUp((ulong)address + (uint)content.Length, pe.SectionAlignment);
            initialized += rawSize;
        }

        byte[] bytes = image.ToArray();
        headers.CopyTo(bytes, pe.SectionTable + (pe.Sections.Count * PeLayout.SectionHeaderBytes));
        Finish(bytes, pe, count, (uint)initialized, address);
        return bytes;
    }

    /// <summary>
    /// Takes an image apart: the stub as it is without what was added, and what was added, in order. Assembling these gives the same image again, but for its
    /// signature.
    /// </summary>
    /// <exception cref="InvalidDataException">No image of this kind: no kernel in it, a section twice, or sections among the stub's own.</exception>
    public static (byte[] Stub, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> Sections) Disassemble(ReadOnlyMemory<byte> image)
    {
        PeLayout pe = PeLayout.Read(image.Span);
        Payload(pe, image); // what no stub would take is taken apart by nobody
        int own = pe.Sections.Count - pe.Sections.Reverse().TakeWhile(s => KnownSections.Contains(s.Name)).Count();
        PeSection[] added = [.. pe.Sections.Skip(own)];
        uint start = added.Where(s => s.RawSize > 0).Select(s => s.RawOffset).FirstOrDefault(), end = start;
        foreach (PeSection section in added.Where(s => s.RawSize > 0))
            end = section.RawOffset == end
                ? end + section.RawSize
                : throw new InvalidDataException($"the section {section.Name} is not where an image of ours has it");
        PeLayout rest = pe with { Sections = [.. pe.Sections.Take(own)] };
        if (own == 0 || start < pe.HeadersSize || rest.LastSectionEnd > start || end - start > pe.InitializedDataSize)
            throw new InvalidDataException("the stub and what it starts are mixed in this EFI file; it is not an image of ours");
        byte[] stub = image[..(int)start].ToArray();
        stub.AsSpan(pe.SectionTable + (own * PeLayout.SectionHeaderBytes), added.Length * PeLayout.SectionHeaderBytes).Clear();
        Finish(stub, pe, own, pe.InitializedDataSize - (end - start), rest.EndAddress);
        return (stub, [.. added.Select(s => (s.Name, Content(image, s)))]);
    }

    /// <summary>The content of a section, or empty.</summary>
    /// <exception cref="InvalidDataException">No PE32+ file.</exception>
    public static ReadOnlyMemory<byte> Section(ReadOnlyMemory<byte> image, string name)
    {
        PeSection section = PeLayout.Read(image.Span).Sections.FirstOrDefault(s => s.Name == name);
        return Content(image, section);
    }

    /// <summary>What the stub finds in an image: the sections it knows, by name.</summary>
    /// <exception cref="InvalidDataException">No PE32+ file, no kernel in it, or sections that could be taken for one another.</exception>
    internal static IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Payload(ReadOnlyMemory<byte> image) => Payload(PeLayout.Read(image.Span), image);

    private static Dictionary<string, ReadOnlyMemory<byte>> Payload(PeLayout pe, ReadOnlyMemory<byte> image)
    {
        Dictionary<string, ReadOnlyMemory<byte>> payload = [];
        foreach (PeSection section in pe.Sections)
        {
            // The stub compares beginnings (".dtb" finds ".dtbauto") and takes the last: names that only begin alike, or come twice, have no one meaning.
            if (KnownSections.FirstOrDefault(known => section.Name.StartsWith(known, StringComparison.Ordinal)) is not string name)
                continue;
            if (name != section.Name || section.VirtualSize > section.RawSize || !payload.TryAdd(name, Content(image, section)))
                throw new InvalidDataException($"the section {name} of this EFI file is there twice or is broken");
        }
        return payload.TryGetValue(".linux", out ReadOnlyMemory<byte> kernel) && kernel.Length > 0
            ? payload
            : throw new InvalidDataException("this EFI file has no kernel in it; it is not an image of ours");
    }

    private static ReadOnlyMemory<byte> Content(ReadOnlyMemory<byte> image, PeSection section) =>
        image.Slice((int)section.RawOffset, (int)Math.Min(section.VirtualSize, section.RawSize));

    private static void Finish(Span<byte> image, PeLayout pe, int sections, uint initializedData, uint imageSize)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(image[(pe.Coff + 2)..], (ushort)sections);
        image.Slice(pe.Coff + 4, 12).Clear(); // time stamp: the same input is the same image; symbols: cut off
        BinaryPrimitives.WriteUInt32LittleEndian(image[pe.InitializedData..], initializedData);
        BinaryPrimitives.WriteUInt32LittleEndian(image[pe.ImageSize..], imageSize);
        BinaryPrimitives.WriteUInt32LittleEndian(image[pe.Checksum..], 0); // firmware does not look
        if (pe.HasCertificateEntry)
            image.Slice(pe.CertificateEntry, PeLayout.DirectoryBytes).Clear();
    }

    private static void Pad(MemoryStream stream, uint alignment) =>
        stream.Write(new byte[PeLayout.AlignUp((ulong)stream.Position, alignment) - stream.Position]);
}
