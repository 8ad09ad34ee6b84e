using System.Globalization;
using System.Text;

namespace ZeroOS.Formats.Cpio;

/// <summary>
/// The archive systemd-stub 252 packs from the .cred files beside the EFI file (NAME.efi.extra.d), hands to the kernel as /.extra/credentials, and measures
/// whole into PCR 12: byte for byte what src/boot/efi/cpio.c of that version gives, so that PCR 12 can be told from the files alone. Who unpacks it does not
/// care; a PCR does.
/// </summary>
public static class StubArchive
{
    private const string Folder = ".extra/credentials";
    private const int TypeDirectory = 0x4000, TypeFile = 0x8000;
    private const int Prefix = 0x16D, Private = 0x140, ReadOnly = 0x100; // 0555, 0500, 0400

    /// <summary>The archive of files by their names, which are ASCII; null when there are none, for then the stub packs and measures nothing.</summary>
    public static byte[]? Credentials(params ReadOnlySpan<(string Name, ReadOnlyMemory<byte> Content)> files)
    {
        if (files.IsEmpty)
            return null;
        MemoryStream archive = new();
        uint inode = 0;
        Add(archive, ++inode, TypeDirectory | Prefix, ".extra", default);
        Add(archive, ++inode, TypeDirectory | Private, Folder, default);
        List<(string Name, ReadOnlyMemory<byte> Content)> sorted = [.. files];
        sorted.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        foreach ((string name, ReadOnlyMemory<byte> content) in sorted)
            Add(archive, ++inode, TypeFile | ReadOnly, $"{Folder}/{name}", content.Span);
        // The one number in capitals is the stub's.
        archive.Write(Encoding.ASCII.GetBytes($"070701{new string('0', 32)}00000001{new string('0', 48)}0000000B00000000TRAILER!!!\0\0\0\0"));
        return archive.ToArray();
    }

    private static void Add(MemoryStream archive, uint inode, int mode, string path, ReadOnlySpan<byte> content)
    {
        byte[] name = Encoding.ASCII.GetBytes(path + '\0');
        Span<uint> fields = [inode, (uint)mode, 0, 0, 1, 0, (uint)content.Length, 0, 0, 0, 0, (uint)name.Length, 0];
        StringBuilder header = new("070701", 110);
        foreach (uint field in fields)
            header.Append(field.ToString("x8", CultureInfo.InvariantCulture));
        archive.Write(Encoding.ASCII.GetBytes(header.ToString()));
        archive.Write(name);
        Pad(archive);
        archive.Write(content);
        Pad(archive);
    }

    private static void Pad(MemoryStream archive)
    {
        while (archive.Length % 4 != 0)
            archive.WriteByte(0);
    }
}
