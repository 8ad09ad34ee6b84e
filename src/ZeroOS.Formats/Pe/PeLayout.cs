using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Formats.Pe;

/// <summary>
/// Where things are in a PE32+ file (PE/COFF specification, sections 2 to 4). The files are foreign bytes: every offset here lies inside the file it was read
/// from, and reading one is quick however broken it is.
/// </summary>
internal sealed record PeLayout
{
    /// <summary>Bytes of a section header.</summary>
    public const int SectionHeaderBytes = 40;

    /// <summary>Bytes of a data directory entry: address and size.</summary>
    public const int DirectoryBytes = 8;

    private const int MaxSections = 96; // what systemd-stub and loaders take
    private const int CertificateDirectory = 4;

    // Offsets in the optional header of PE32+.
    private const int InitializedDataAt = 8, SectionAlignmentAt = 32, FileAlignmentAt = 36, ImageSizeAt = 56, HeaderSizeAt = 60, ChecksumAt = 64,
        DirectoryCountAt = 108, DirectoriesAt = 112;

    /// <summary>The COFF header's offset in the file.</summary>
    public required int Coff { get; init; }

    /// <summary>The optional header's offset in the file.</summary>
    public required int Optional { get; init; }

    /// <summary>The section table's offset in the file.</summary>
    public required int SectionTable { get; init; }

    /// <summary>The sections in the order of their table.</summary>
    public required IReadOnlyList<PeSection> Sections { get; init; }

    /// <summary>Bytes of all headers, as the file says; the first section's bytes follow.</summary>
    public required int HeadersSize { get; init; }

    /// <summary>Alignment of sections in memory, bytes.</summary>
    public required uint SectionAlignment { get; init; }

    /// <summary>Alignment of sections in the file, bytes.</summary>
    public required uint FileAlignment { get; init; }

    /// <summary>What the header says of initialised data, bytes.</summary>
    public required uint InitializedDataSize { get; init; }

    /// <summary>Where the file's certificate table begins, or where the file ends without one.</summary>
    public required int ContentEnd { get; init; }

    /// <summary>Bytes of the certificate table at the file's end; zero without one.</summary>
    public required int CertificateSize { get; init; }

    /// <summary>Whether the header has room for the certificate table's place; without it a file cannot be signed.</summary>
    public required bool HasCertificateEntry { get; init; }

    /// <summary>Offset of the checksum, 4 bytes.</summary>
    public int Checksum => Optional + ChecksumAt;

    /// <summary>Offset of the image's size in memory, 4 bytes.</summary>
    public int ImageSize => Optional + ImageSizeAt;

    /// <summary>Offset of the size of initialised data, 4 bytes.</summary>
    public int InitializedData => Optional + InitializedDataAt;

    /// <summary>Offset of the certificate table's entry among the data directories, 8 bytes.</summary>
    public int CertificateEntry => Optional + DirectoriesAt + (CertificateDirectory * DirectoryBytes);

    /// <summary>Where the first section's bytes begin in the file.</summary>
    public uint FirstSectionOffset => Sections.Where(s => s.RawSize > 0).Select(s => s.RawOffset).DefaultIfEmpty((uint)ContentEnd).Min();

    /// <summary>Where the last section's bytes end in the file.</summary>
    public uint LastSectionEnd => Sections.Where(s => s.RawSize > 0).Select(s => s.RawOffset + s.RawSize).DefaultIfEmpty((uint)HeadersSize).Max();

    /// <summary>Where the last section ends in memory, aligned.</summary>
    /// <exception cref="InvalidDataException">Beyond 4 GiB.</exception>
    public uint EndAddress => Sections.Aggregate(0u, (end, s) => Math.Max(end, AlignUp((ulong)s.Address + s.VirtualSize, SectionAlignment)));

    /// <summary>Reads the headers.</summary>
    /// <exception cref="InvalidDataException">Not a PE32+ file, or one that reaches outside itself; the message says where.</exception>
    public static PeLayout Read(ReadOnlySpan<byte> file)
    {
        if (file.Length < 0x40 || file[0] != 'M' || file[1] != 'Z')
            throw new InvalidDataException("not a PE file: no MZ header");
        long coff = (long)Word(file, 0x3C) + 4;
        if (coff < 0x44 || coff > file.Length - 20 - DirectoriesAt || !file.Slice((int)coff - 4, 4).SequenceEqual("PE\0\0"u8))
            throw new InvalidDataException("not a PE file: no PE header");
        int count = Half(file, (int)coff + 2), optionalSize = Half(file, (int)coff + 16);
        int optional = (int)coff + 20, table = optional + optionalSize;
        if (Half(file, optional) != 0x20B)
            throw new InvalidDataException("not a PE32+ file");
        uint sectionAlignment = Word(file, optional + SectionAlignmentAt), fileAlignment = Word(file, optional + FileAlignmentAt);
        if (optionalSize < DirectoriesAt || count is 0 or > MaxSections || table > file.Length - (count * SectionHeaderBytes)
            || sectionAlignment is 0 or > 1 << 20 || fileAlignment is 0 or > 1 << 16)
            throw new InvalidDataException("the PE section table is broken");
        uint headersSize = Word(file, optional + HeaderSizeAt);
        if (headersSize > file.Length || headersSize < table + (count * SectionHeaderBytes))
            throw new InvalidDataException($"the PE headers are {headersSize} bytes long, which they cannot be");
        PeSection[] sections = new PeSection[count];
        for (int i = 0; i < count; i++)
            sections[i] = ReadSection(file, table + (i * SectionHeaderBytes));
        uint directories = Word(file, optional + DirectoryCountAt);
        bool hasEntry = directories > CertificateDirectory && optionalSize >= DirectoriesAt + ((CertificateDirectory + 1) * DirectoryBytes);
        int certificateEntry = optional + DirectoriesAt + (CertificateDirectory * DirectoryBytes);
        uint certificates = hasEntry ? Word(file, certificateEntry) : 0, certificateSize = hasEntry ? Word(file, certificateEntry + 4) : 0;
        // Anything behind the table would be signed by nobody and measured by some: the table is the file's end, or there is none.
        if (certificateSize != 0 && (certificates < headersSize || (ulong)certificates + certificateSize != (ulong)file.Length))
            throw new InvalidDataException("the certificate table is not at the end of the PE file");
        return new PeLayout
        {
            Coff = (int)coff,
            Optional = optional,
            SectionTable = table,
            Sections = sections,
            HeadersSize = (int)headersSize,
            SectionAlignment = sectionAlignment,
            FileAlignment = fileAlignment,
            InitializedDataSize = Word(file, optional + InitializedDataAt),
            ContentEnd = file.Length - (int)certificateSize,
            CertificateSize = (int)certificateSize,
            HasCertificateEntry = hasEntry,
        };
    }

    /// <summary>The next multiple.</summary>
    /// <exception cref="InvalidDataException">Beyond 4 GiB, where a PE file has no numbers.</exception>
    public static uint AlignUp(ulong value, uint alignment)
    {
        ulong aligned = (value + alignment - 1) / alignment * alignment;
        return aligned <= uint.MaxValue ? (uint)aligned : throw new InvalidDataException("the PE file reaches beyond 4 GiB");
    }

    private static PeSection ReadSection(ReadOnlySpan<byte> file, int header)
    {
        string name = Encoding.Latin1.GetString(file.Slice(header, 8)).TrimEnd('\0');
        uint rawSize = Word(file, header + 16), rawOffset = rawSize == 0 ? 0 : Word(file, header + 20); // without bytes, the place means nothing
        if ((ulong)rawOffset + rawSize > (ulong)file.Length)
            throw new InvalidDataException($"the PE section {ForeignText.Plain(name, 8)} reaches beyond the file's end");
        return new PeSection(name, Word(file, header + 8), Word(file, header + 12), rawSize, rawOffset);
    }

    private static uint Word(ReadOnlySpan<byte> file, int at) => BinaryPrimitives.ReadUInt32LittleEndian(file[at..]);

    private static int Half(ReadOnlySpan<byte> file, int at) => BinaryPrimitives.ReadUInt16LittleEndian(file[at..]);
}
