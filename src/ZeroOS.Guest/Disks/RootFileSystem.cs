using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Disks;

/// <summary>The workload's root: the image, read-only EROFS, under a writable ext4 layer.</summary>
internal static class RootFileSystem
{
    /// <summary>Where it is mounted for zguest.</summary>
    internal const string Path = "/run/root";

    /// <summary>The file system on which everything that is written to the root lies, where it cannot be seen.</summary>
    internal const string Layer = "/run/layer";

    private const string Image = "/run/image";

    internal static void Mount(string imageSerial, string layerSerial)
    {
        string imageDisk = GuestDisks.Find(imageSerial, "root");
        Mounts.MakeDirectory(Image);
        if (Mounts.TryMount(imageDisk, Image, "erofs", MountFlags.ReadOnly | MountFlags.NoAtime) is var errno && errno != Errno.None)
            throw new SetupException("root", $"{imageDisk} cannot be mounted as erofs: {errno}");
        Ext4.Mount(GuestDisks.Find(layerSerial, "root"), Layer, "root");
        if (FileEntry.TryStatus(Layer + "/upper") is null)
            MakeUpper();
        Mounts.MakeDirectory(Layer + "/work");
        Mounts.MakeDirectory(Path);
        errno = Mounts.TryMount("overlay", Path, "overlay", MountFlags.NoAtime, $"lowerdir={Image},upperdir={Layer}/upper,workdir={Layer}/work");
        if (errno != Errno.None)
            throw new SetupException("root", $"image and writable layer cannot be mounted as one: {errno}");
    }

    /// <summary>Grows the writable layer to its disk.</summary>
    internal static void GrowLayer(string layerSerial) => Ext4.Grow(GuestDisks.Find(layerSerial, "root"), Layer);

    // The root directory of an overlay shows the upper one's owner and mode: they must be the image's. Made beside and renamed, so that a power cut leaves all
    // or nothing.
    private static void MakeUpper()
    {
        const string Fresh = Layer + "/upper.new";
        Mounts.MakeDirectory(Fresh);
        EntryStatus root = FileEntry.TryStatus(Image) ?? throw new SetupException("root", "the image has no root directory");
        FileEntry.SetOwner(Fresh, root.User, root.Group);
        FileEntry.SetMode(Fresh, root.Mode);
        FileEntry.CopyAttributes(Image, Fresh);
        Directory.Move(Fresh, Layer + "/upper");
    }
}
