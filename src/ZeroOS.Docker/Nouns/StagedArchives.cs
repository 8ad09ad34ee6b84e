using System.Globalization;
using System.Text;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Creation;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Node;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Docker.Nouns;

/// <summary>Files of containers that were not started yet: the machine writes them when it starts. What the image has is not seen before that.</summary>
internal sealed class StagedArchives(DockerApi api)
{
    /// <summary>Bytes of an archive that are read at most, not compressed: what a machine's files may have, with all that tar writes beside them.</summary>
    public const int MaxArchiveBytes = 1 << 20;

    private const int FileMode = 0x1A4, FolderMode = 0x1ED; // 0644, 0755

    /// <summary>HEAD /containers/{id}/archive</summary>
    public static Task StatAsync(DockerCall call, Container container, string path)
    {
        call.SetHeader(PathStat.HeaderName, PathStat.Of(Find(call, container, path).Entry, path).Header);
        return call.AnswerAsync(200);
    }

    /// <summary>GET /containers/{id}/archive; of files alone, since what else the image has in a folder is not known.</summary>
    public static async Task ReadAsync(DockerCall call, Container container, string path)
    {
        (TarEntry entry, MachineFile? file) = Find(call, container, path);
        if (file is null)
            throw DockerFault.Conflict($"container {container.Id} was not started yet: folder {path} can be copied only while it runs");
        using MemoryStream archive = new();
        TarWriter tar = new(archive.Write);
        tar.Begin(entry);
        tar.Write(StagedFiles.Content(file));
        tar.End();
        call.SetHeader(PathStat.HeaderName, PathStat.Of(entry, path).Header);
        Stream answer = await call.BeginAsync(Archives.Tar);
        await answer.WriteAsync(archive.GetBuffer().AsMemory(0, (int)archive.Length), call.Cancellation);
    }

    /// <summary>PUT /containers/{id}/archive</summary>
    public async Task WriteAsync(DockerCall call, Container container, string path)
    {
        string folder = Plain(path);
        using MemoryStream archive = await TakeAsync(call);
        IReadOnlyCollection<MachineFile> files = ArchiveFiles.Read(archive, folder);
        if (files.Count > 0)
        {
            await api.Changes.ApplyAsync(container.Id, now => now.IsUnstarted ? now.With(StagedFiles.With(now.Machine.Data, now.Config, files))
                : throw DockerFault.Conflict($"container {now.Id} was started meanwhile"), call.Cancellation);
        }
        await call.AnswerAsync(200);
    }

    private static async Task<MemoryStream> TakeAsync(DockerCall call)
    {
        MemoryStream archive = new();
        await using Stream body = await call.PlainBodyAsync();
        byte[] buffer = new byte[16 << 10];
        try
        {
            while (await body.ReadAsync(buffer, call.Cancellation) is > 0 and int count)
            {
                if (archive.Length + count > MaxArchiveBytes)
                    throw StagedFiles.TooMuch();
                archive.Write(buffer, 0, count);
            }
        }
        catch (InvalidDataException e)
        {
            throw DockerFault.Bad($"the archive is compressed and broken: {e.Message}");
        }
        archive.Position = 0;
        return archive;
    }

    // One of its files, or a folder that is there since one of them lies in it.
    private static (TarEntry Entry, MachineFile? File) Find(DockerCall call, Container container, string path)
    {
        string plain = Plain(path);
        IReadOnlyList<MachineFile> files = container.Machine.Data.Files ?? [];
        long made = container.Notes.Created.ToUnixTimeSeconds();
        if (files.FirstOrDefault(f => f.Path == plain) is { } file)
            return (EntryOf(file, made), file);
        if (plain.Length == 0 || files.Any(f => StagedFiles.IsBelow(f.Path, plain)))
            return (new TarEntry { Type = TarEntryType.Directory, Path = "", Mode = FolderMode, MtimeSeconds = made }, null);
        throw DockerFault.Missing($"Could not find the file {path} in container {call.Name}: it was not started yet, and of its files only those are seen "
            + "that were put into it");
    }

    private static TarEntry EntryOf(MachineFile file, long made)
    {
        uint[] owner = [.. (file.User ?? "0:0").Split(':').Select(number => uint.Parse(number, CultureInfo.InvariantCulture))];
        return new TarEntry
        {
            Type = TarEntryType.File,
            Path = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(file.Path[(file.Path.LastIndexOf('/') + 1)..])),
            Mode = file.Mode is { } mode ? Convert.ToInt32(mode, 8) : FileMode,
            Uid = owner[0],
            Gid = owner[^1],
            Size = StagedFiles.Content(file).Length,
            MtimeSeconds = made,
        };
    }

    // As files of a machine are named; "" is the root.
    private static string Plain(string path)
    {
        try
        {
            return TarPath.Normalise(path) is { Length: > 0 } inside ? "/" + inside : "";
        }
        catch (TarException e)
        {
            throw DockerFault.Bad($"this is no path of a container: {e.Message}");
        }
    }
}
