using ZeroOS.Linux;

namespace ZeroOS.Trees;

/// <summary>What is to be copied: a name in a directory, or a directory by the form of its path (the root, or one that ends with `.` or `..`).</summary>
public sealed class TreeSource : IDisposable
{
    private TreeSource(OpenDirectory directory, string name, string calledName, FileStatus status) =>
        (Directory, Name, CalledName, IsDirectory) = (directory, name, calledName, status.Kind == EntryKind.Directory);

    /// <summary>The directory, or the one that the name is in.</summary>
    public OpenDirectory Directory { get; }

    /// <summary>The name in the directory, one byte a character; empty when it is the directory.</summary>
    public string Name { get; }

    /// <summary>The last name of the path, although a link may have led to another; empty when <see cref="Name"/> is.</summary>
    public string CalledName { get; }

    /// <summary>It is a directory.</summary>
    public bool IsDirectory { get; }

    /// <summary>Opens it. A symbolic link is what is copied, unless <paramref name="follow"/> or a slash behind it says otherwise.</summary>
    /// <exception cref="LinuxException">It is not there, or ends with a slash and is no directory.</exception>
    public static TreeSource Open(RootedDirectory root, string path, bool follow)
    {
        (FileDescriptor held, string name) = root.Locate(path, follow);
        using (held)
        {
            string plain = path.TrimEnd('/');
            int slash = plain.LastIndexOf('/');
            OpenDirectory directory = OpenDirectory.Of(held, name.Length == 0 ? path : plain[..Math.Max(slash, 0)]);
            try
            {
                FileStatus status = directory.Status(name);
                if (path.EndsWith('/') && status.Kind != EntryKind.Directory)
                    throw new LinuxException(Errno.ENOTDIR, "open", path);
                return new TreeSource(directory, name, name.Length == 0 ? "" : PathText.Bytewise(plain[(slash + 1)..]), status);
            }
            catch
            {
                directory.Dispose();
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Dispose();
}
