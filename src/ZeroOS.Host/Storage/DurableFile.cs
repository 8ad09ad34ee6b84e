using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>Small files that a power cut leaves as they were or as they should be.</summary>
internal static class DurableFile
{
    /// <summary>What a file is called before it is complete.</summary>
    internal const string Unfinished = ".new";

    /// <summary>Writes the file, readable by the node alone; it has its name when every byte is on the medium.</summary>
    /// <exception cref="IOException">What the kernel refused.</exception>
    internal static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        string fresh = path + Unfinished;
        File.Delete(fresh);
        using (FileDescriptor file = FileDescriptor.Open(fresh, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, Mode.OwnerOnly))
        {
            file.Write(bytes);
            file.Sync();
        }
        File.Move(fresh, path, overwrite: true);
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Takes the file away, and waits until that is on the medium; none is well too.</summary>
    internal static void Delete(string path)
    {
        File.Delete(path);
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    private static void SyncFolder(string path)
    {
        using FileDescriptor directory = FileDescriptor.Open(path, OpenFlags.ReadOnly | OpenFlags.Directory);
        directory.Sync();
    }
}
