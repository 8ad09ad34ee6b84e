using System.Globalization;
using System.Text;
using System.Text.Unicode;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Formats;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Docker.Creation;

/// <summary>An archive as files of a machine. Those have no links and no devices, and a folder is there because a file is in it.</summary>
internal static class ArchiveFiles
{
    private const int PermissionBits = 0xFFF, BufferBytes = 16 << 10;

    /// <summary>The files of an archive that is unpacked in a folder, each with its mode and its owner; of two with one path the last.</summary>
    /// <param name="archive">The archive, not compressed.</param>
    /// <param name="folder">An absolute path without a slash at its end; "" is the root.</param>
    /// <exception cref="DockerFault">400: it is broken, or larger than files of a machine may be, or an entry cannot be a file of a machine.</exception>
    public static IReadOnlyCollection<MachineFile> Read(Stream archive, string folder)
    {
        Dictionary<string, MachineFile> files = new(StringComparer.Ordinal);
        List<string> folders = [];
        long bytes = 0;
        try
        {
            TarReader tar = new(archive);
            while (tar.Next() is { } entry)
            {
                if (entry.Path.Length == 0)
                    continue;       // the folder itself
                string path = PathOf(entry, folder);
                if (entry.Type == TarEntryType.Directory)
                {
                    folders.Add(path);
                    continue;
                }
                files[path] = FileOf(tar, entry, path, StagedFiles.MaxBytes - bytes);
                bytes += entry.Size;
                if (files.Count > StagedFiles.MaxFiles)
                    throw StagedFiles.TooMuch();
            }
        }
        catch (TarException e)
        {
            throw DockerFault.Bad($"the archive cannot be unpacked: {e.Message}");
        }
        if (folders.FirstOrDefault(f => !files.Keys.Any(path => StagedFiles.IsBelow(path, f))) is { } empty)
            throw Bad(empty, "it is a folder without files");
        return files.Values;
    }

    private static string PathOf(TarEntry entry, string folder)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(entry.Path);       // names in an archive are bytes, one a character
        string path = $"{folder}/{Encoding.UTF8.GetString(bytes)}";
        return Utf8.IsValid(bytes) && ForeignText.Plain(path, path.Length) == path ? path : throw Bad(path, "its name is no plain text");
    }

    private static MachineFile FileOf(TarReader tar, TarEntry entry, string path, long room)
    {
        if (entry.Type != TarEntryType.File)
            throw Bad(path, $"it is a {Word(entry.Type)}, and no file");
        if (entry.Uid > int.MaxValue || entry.Gid > int.MaxValue)
            throw Bad(path, $"it belongs to {entry.Uid}:{entry.Gid}, and numbers of owners end with {int.MaxValue}");
        if (entry.Size > room)
            throw StagedFiles.TooMuch();
        byte[] content = new byte[entry.Size], buffer = new byte[BufferBytes];
        while (tar.Read(buffer, out long offset) is > 0 and int count)
            buffer.AsSpan(0, count).CopyTo(content.AsSpan((int)offset));
        return new MachineFile
        {
            Path = path,
            Base64 = Convert.ToBase64String(content),
            Mode = Convert.ToString(entry.Mode & PermissionBits, 8).PadLeft(4, '0'),
            User = (entry.Uid, entry.Gid) == (0, 0) ? null : string.Create(CultureInfo.InvariantCulture, $"{entry.Uid}:{entry.Gid}"),
        };
    }

    private static string Word(TarEntryType type) => type switch
    {
        TarEntryType.HardLink or TarEntryType.SymbolicLink => "link",
        TarEntryType.Fifo => "pipe",
        _ => "device",
    };

    private static DockerFault Bad(string path, string why) => StagedFiles.Bad(TarPath.Printable(path), why);
}
