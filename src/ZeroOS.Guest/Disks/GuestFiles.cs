using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Users;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Disks;

/// <summary>Small files that a deployment wants in the root, written at each start.</summary>
internal static class GuestFiles
{
    // Beside its target, so that the last step is one rename.
    private const string Fresh = ".zguest-file";

    /// <summary>Writes them inside <paramref name="root"/>. What has the name of one and is no directory is replaced, a link too.</summary>
    /// <exception cref="LinuxException">A directory is in the way, or what is no directory.</exception>
    internal static void Write(IReadOnlyList<GuestFile> files, RootedDirectory root)
    {
        foreach (GuestFile file in files)
            Write(file, root);
    }

    private static void Write(GuestFile file, RootedDirectory root)
    {
        ImageUser user = ImageUser.Resolve(file.User, root);
        int slash = file.Path.LastIndexOf('/') + 1;
        using FileDescriptor held = root.MakeDirectory(file.Path[..slash], out _);
        using OpenDirectory directory = OpenDirectory.Of(held, file.Path);
        _ = directory.TryRemove(Fresh);
        using (FileDescriptor made = directory.CreateFile(Fresh))
        {
            made.Write(file.Content);
            made.SetOwner(user.Uid, user.Gid);
            made.SetMode(file.Mode);
        }
        directory.Rename(Fresh, PathText.Bytewise(file.Path[slash..]));
    }
}
