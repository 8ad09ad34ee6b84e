using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZeroOS.Formats.Pe;

/// <summary>
/// The hash and the signature of a PE file by which UEFI firmware knows it ("Windows Authenticode Portable Executable Signature Format", 2008; UEFI
/// specification, section 32.4). Deterministic: SHA-256, RSA PKCS#1 v1.5, and no time of signing, so that the same file, key and certificate give the same
/// bytes.
/// </summary>
public static class Authenticode
{
    /// <summary>Bytes of a digest.</summary>
    public const int DigestBytes = 32;

    private const int Alignment = 8;
    private const int CertificateHeaderBytes = 8;
    private const ushort Revision = 0x0200, PkcsSignedData = 0x0002;
    private const int MaxCertificateTable = 1 << 20;

    /// <summary>
    /// The SHA-256 of everything but the checksum, the certificate table and its place in the header, which is the same before and after signing. A file whose
    /// length is no multiple of 8 has another one after signing, which pads it.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// No PE32+ file, or one with bytes before the last section that no section owns, or two: of those, firmware and tools make different hashes.
    /// </exception>
    public static byte[] Digest(ReadOnlySpan<byte> file) => Digest(file, PeLayout.Read(file));

    /// <summary>Signs a file; a signature it had is replaced.</summary>
    /// <param name="file">The PE32+ file.</param>
    /// <param name="certificate">The certificate that firmware knows, DER.</param>
    /// <param name="key">Its private key.</param>
    /// <exception cref="InvalidDataException">The file cannot be hashed (<see cref="Digest(ReadOnlySpan{byte})"/>) or has no room for a signature; the
    /// certificate is none, or of another key.</exception>
    public static byte[] Sign(ReadOnlySpan<byte> file, ReadOnlySpan<byte> certificate, RSA key)
    {
        PeLayout pe = PeLayout.Read(file);
        if (!pe.HasCertificateEntry)
            throw new InvalidDataException("the PE header has no place for a signature");
        byte[] content = new byte[PeLayout.AlignUp((ulong)pe.ContentEnd, Alignment)];
        file[..pe.ContentEnd].CopyTo(content);
        content.AsSpan(pe.CertificateEntry, PeLayout.DirectoryBytes).Clear();
        content.AsSpan(pe.Checksum, 4).Clear(); // firmware does not look, and whoever signed before may have left another one
        byte[] signedData = AuthenticodeSignature.Create(Digest(content), certificate, key);

        int length = CertificateHeaderBytes + signedData.Length;
        byte[] signed = new byte[content.Length + (int)PeLayout.AlignUp((ulong)length, Alignment)];
        content.CopyTo(signed.AsSpan());
        Span<byte> table = signed.AsSpan(content.Length);
        BinaryPrimitives.WriteInt32LittleEndian(table, length);
        BinaryPrimitives.WriteUInt16LittleEndian(table[4..], Revision);
        BinaryPrimitives.WriteUInt16LittleEndian(table[6..], PkcsSignedData);
        signedData.CopyTo(table[CertificateHeaderBytes..]);
        BinaryPrimitives.WriteInt32LittleEndian(signed.AsSpan(pe.CertificateEntry), content.Length);
        BinaryPrimitives.WriteInt32LittleEndian(signed.AsSpan(pe.CertificateEntry + 4), table.Length);
        return signed;
    }

    /// <summary>
    /// The signatures a file carries, verified against the file and the certificate that each brings along; whether to trust that certificate is for others to
    /// say.
    /// </summary>
    /// <exception cref="InvalidDataException">No PE32+ file, one that cannot be hashed, or a certificate table that is broken.</exception>
    public static IReadOnlyList<AuthenticodeSignature> Signatures(ReadOnlySpan<byte> file)
    {
        PeLayout pe = PeLayout.Read(file);
        if (pe.CertificateSize > MaxCertificateTable)
            throw new InvalidDataException("the certificate table of this PE file is larger than any is");
        List<AuthenticodeSignature> signatures = [];
        ReadOnlySpan<byte> table = file[pe.ContentEnd..];
        byte[] digest = table.IsEmpty ? [] : Digest(file, pe);
        while (table.Length >= CertificateHeaderBytes)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(table);
            if (length < CertificateHeaderBytes || length > table.Length)
                throw new InvalidDataException("the certificate table of this PE file is broken");
            if (BinaryPrimitives.ReadUInt16LittleEndian(table[6..]) == PkcsSignedData)
                signatures.Add(AuthenticodeSignature.Read(table[CertificateHeaderBytes..(int)length], digest));
            table = table[(int)Math.Min(PeLayout.AlignUp(length, Alignment), (uint)table.Length)..];
        }
        return signatures;
    }

    private static byte[] Digest(ReadOnlySpan<byte> file, PeLayout pe)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Headers but for the checksum and the certificate table's place.
        hash.AppendData(file[..pe.Checksum]);
        int afterChecksum = pe.Checksum + 4;
        if (pe.HasCertificateEntry)
        {
            hash.AppendData(file[afterChecksum..pe.CertificateEntry]);
            hash.AppendData(file[(pe.CertificateEntry + PeLayout.DirectoryBytes)..pe.HeadersSize]);
        }
        else
        {
            hash.AppendData(file[afterChecksum..pe.HeadersSize]);
        }
        // Sections by their place in the file, then what is behind them. Without gaps and overlaps that is all the rest of the file in one piece.
        uint end = (uint)pe.HeadersSize;
        foreach (PeSection section in pe.Sections.Where(s => s.RawSize > 0).OrderBy(s => s.RawOffset))
        {
            if (section.RawOffset != end)
                throw new InvalidDataException(
                    $"the sections of this PE file do not follow one another (at byte {end}); its hash would mean different things to different firmware");
            end += section.RawSize;
        }
        if (end > pe.ContentEnd)
            throw new InvalidDataException("a section of this PE file reaches into its certificate table");
        hash.AppendData(file[pe.HeadersSize..pe.ContentEnd]);
        return hash.GetHashAndReset();
    }
}
