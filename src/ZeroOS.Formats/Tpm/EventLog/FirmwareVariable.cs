using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace ZeroOS.Formats.Tpm.EventLog;

/// <summary>A firmware variable as it was measured (UEFI_VARIABLE_DATA, PFP 1.06, section 10.2.6): SecureBoot, PK, KEK, db, dbx.</summary>
/// <param name="Vendor">The name space of the name.</param>
/// <param name="Name">Its name, at most 256 characters.</param>
/// <param name="Content">Its value.</param>
public sealed record FirmwareVariable(Guid Vendor, string Name, ReadOnlyMemory<byte> Content)
{
    /// <summary>Where SecureBoot, PK and KEK are.</summary>
    public static readonly Guid Global = new("8be4df61-93ca-11d2-aa0d-00e098032b8c");

    /// <summary>Where db and dbx are.</summary>
    public static readonly Guid ImageSecurity = new("d719b2cb-3d3a-4596-a3bc-dad00e67656f");

    private const int HeaderBytes = 32, MaxNameCharacters = 256;

    /// <summary>Reads an event's variable; false if it is of another type, if its data is not what was measured, or is no variable.</summary>
    public static bool TryRead(MeasuredEvent e, [NotNullWhen(true)] out FirmwareVariable? variable)
    {
        variable = null;
        if (e.Type != EventType.EfiVariableDriverConfig || !e.DataIsMeasured || e.Data.Length < HeaderBytes)
            return false;
        ReadOnlySpan<byte> data = e.Data.Span;
        ulong characters = BinaryPrimitives.ReadUInt64LittleEndian(data[16..]), bytes = BinaryPrimitives.ReadUInt64LittleEndian(data[24..]);
        if (characters > MaxNameCharacters || bytes > (ulong)data.Length || HeaderBytes + (characters * 2) + bytes != (ulong)data.Length)
            return false;
        int name = (int)characters * 2;
        variable = new FirmwareVariable(new Guid(data[..16]), Encoding.Unicode.GetString(data.Slice(HeaderBytes, name)), e.Data[(HeaderBytes + name)..]);
        return true;
    }

    /// <summary>
    /// The certificates in a value that is a list of signatures (EFI_SIGNATURE_LIST, UEFI 2.10, section 32.4.1), DER; hashes and what is broken are left out.
    /// </summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Certificates()
    {
        List<ReadOnlyMemory<byte>> certificates = [];
        ReadOnlyMemory<byte> rest = Content;
        while (rest.Length >= 28 && certificates.Count < 64)
        {
            ReadOnlySpan<byte> list = rest.Span;
            uint listBytes = BinaryPrimitives.ReadUInt32LittleEndian(list[16..]), header = BinaryPrimitives.ReadUInt32LittleEndian(list[20..]);
            uint signature = BinaryPrimitives.ReadUInt32LittleEndian(list[24..]);
            if (listBytes < 28 || listBytes > rest.Length || header > listBytes - 28 || signature < 16)
                break;
            if (new Guid(list[..16]) == s_x509)
            {
                for (uint at = 28 + header; signature <= listBytes - at; at += signature)
                    certificates.Add(rest.Slice((int)at + 16, (int)signature - 16)); // sixteen bytes say who put it there
            }
            rest = rest[(int)listBytes..];
        }
        return certificates;
    }

    private static readonly Guid s_x509 = new("a5c059a1-94e4-4aa7-87b5-ab155c2bf072");
}
