using ZeroOS.Linux;

namespace ZeroOS.Trees;

/// <summary>What is where something is to be copied to: a directory, or a name in one. Links are followed, the last one too, inside the root.</summary>
public sealed class TreeTarget : IDisposable
{
    private TreeTarget(OpenDirectory directory, string name, bool isThere) => (Directory, Name, IsThere) = (directory, name, isThere);

    /// <summary>The directory, or the one that the name is in.</summary>
    public OpenDirectory Directory { get; }

    /// <summary>The name in the directory, one byte a character; empty when the directory is what was asked for.</summary>
    public string Name { get; }

    /// <summary>There is something.</summary>
    public bool IsThere { get; }

    /// <summary>It is a directory.</summary>
    public bool IsDirectory => Name.Length == 0;

    /// <summary>Opens it.</summary>
    /// <exception cref="LinuxException">What is on the way is no directory, or not there.</exception>
    public static TreeTarget Open(RootedDirectory root, string path)
    {
        (FileDescriptor held, string name) = root.Locate(path, follow: true);
        using (held)
        {
            OpenDirectory directory = OpenDirectory.Of(held, path);
            if (name.Length == 0)
                return new TreeTarget(directory, "", isThere: true);
            bool isThere = directory.TryStatus(name, out FileStatus status) == Errno.None;
            if (!isThere || status.Kind != EntryKind.Directory)
                return new TreeTarget(directory, name, isThere);
            using (directory)
                return new TreeTarget(directory.OpenChild(name), "", isThere: true);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Dispose();
}
