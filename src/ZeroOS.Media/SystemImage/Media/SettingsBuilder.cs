using System.Text;

using ZeroOS.Bus.Farm;
using ZeroOS.Contracts.Farm;
using ZeroOS.Formats.Pe;

namespace ZeroOS.Media.SystemImage.Media;

/// <summary>Makes an image with farm settings of one without: other media, the same system.</summary>
internal static class SettingsBuilder
{
    /// <summary>Reads settings and checks them as every node will.</summary>
    /// <exception cref="MediaException">A node would refuse them; the message says why.</exception>
    public static byte[] ReadSettings(string path)
    {
        if (new FileInfo(path) is { Exists: true, Length: > FarmDocument.MaxBytes })
            throw new MediaException($"{path}: longer than the {FarmDocument.MaxBytes} bytes that farm settings may have");
        byte[] document = File.ReadAllBytes(path);
        return FarmDocument.TryVerify(document, out FarmSettings? _, out string? fault) ? document
            : throw new MediaException($"{path}: every node would refuse these farm settings: {fault}");
    }

    /// <summary>Writes the image of <paramref name="folder"/> with the settings into another folder; the answer is what was written.</summary>
    /// <param name="folder">An image as "make image" writes it; it is checked against its SHA256SUMS first.</param>
    /// <param name="output">Another folder.</param>
    /// <param name="document">Settings that <see cref="ReadSettings"/> took.</param>
    /// <param name="progress">Hears which file is being written.</param>
    /// <exception cref="MediaException">The image is damaged or no image, or the folders are the same.</exception>
    public static IReadOnlyList<ImageFile> Build(string folder, string output, byte[] document, Action<string> progress)
    {
        if (Path.GetFullPath(output).TrimEnd('/') == Path.GetFullPath(folder).TrimEnd('/'))
            throw new MediaException("the image with the settings needs a folder of its own; say another one with -o DIR", isUsage: true);
        progress("checking the image");
        IReadOnlyList<ImageFile> files = Checksums.Verify(folder);
        foreach (ImageFile file in files)
        {
            progress($"writing {file.File}");
            string from = Path.Combine(folder, file.File), to = Path.Combine(output, file.File);
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            if (file.File is MediaFiles.Disk or MediaFiles.Iso)
            {
                using FileStream source = File.OpenRead(from), target = new(to, FileMode.Create, FileAccess.ReadWrite);
                MediaSettings.Write(source, target, document);
            }
            else
            {
                File.Copy(from, to, overwrite: true);
            }
        }
        if (files.Any(f => f.File == $"{MediaFiles.Netboot}/{MediaFiles.Efi}"))
        {
            string netboot = Path.Combine(output, MediaFiles.Netboot);
            ReadOnlyMemory<byte> commandLine = UnifiedKernelImage.Section(File.ReadAllBytes(Path.Combine(netboot, MediaFiles.Efi)), ".cmdline");
            NetbootFolder.WriteSettings(netboot, Encoding.ASCII.GetString(commandLine.Span), document);
        }
        progress("hashing");
        return Checksums.Write(output, files.Select(f => f.File));
    }
}
