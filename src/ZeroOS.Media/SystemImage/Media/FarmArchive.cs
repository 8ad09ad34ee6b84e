using ZeroOS.Bus.Farm;
using ZeroOS.Contracts.Farm;
using ZeroOS.Formats.Cpio;

namespace ZeroOS.Media.SystemImage.Media;

/// <summary>
/// The farm settings as boot loaders hand them over: an archive behind the initramfs with the one file that systemd's stub makes of settings beside an EFI
/// file. Always of one length, settings or not, so that it can be exchanged where nothing else may move.
/// </summary>
internal static class FarmArchive
{
    /// <summary>Length of every such archive; what is not used is zeros, which the kernel passes over.</summary>
    public const int Bytes = FarmDocument.MaxBytes + 4096;

    /// <summary>The archive of a settings document; of none, an empty one.</summary>
    /// <exception cref="MediaException">The document is longer than any node reads.</exception>
    public static byte[] Pack(ReadOnlySpan<byte> document)
    {
        if (document.Length > FarmDocument.MaxBytes)
            throw new MediaException($"farm settings have at most {FarmDocument.MaxBytes} bytes, not {document.Length}");
        MemoryStream archive = new(Bytes);
        CpioWriter cpio = new(archive, DateTimeOffset.UnixEpoch);
        if (!document.IsEmpty)
        {
            const int ReadOnlyFolder = 0x16D, ReadOnlyFile = 0x124; // 0555 and 0444
            string[] folders = FarmSettings.Path.Split('/')[1..^1];
            for (int i = 1; i <= folders.Length; i++)
                cpio.AddDirectory("/" + string.Join('/', folders[..i]), ReadOnlyFolder);
            cpio.AddFile(FarmSettings.Path, ReadOnlyFile, document);
        }
        cpio.Finish();
        archive.SetLength(Bytes);
        return archive.ToArray();
    }

    /// <summary>The settings document in an archive; null if it is empty.</summary>
    /// <exception cref="InvalidDataException">No archive.</exception>
    public static byte[]? Unpack(ReadOnlyMemory<byte> archive) => CpioReader.Read(archive).FirstOrDefault(e => e.Path == FarmSettings.Path)?.Content.ToArray();
}
