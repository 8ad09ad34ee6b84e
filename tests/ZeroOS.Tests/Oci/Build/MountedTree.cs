using ZeroOS.Tests.Linux.Files;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Oci.Build;

/// <summary>The kernel's own reading of an EROFS device, described line by line by Mono.Posix.</summary>
internal static class MountedTree
{
    /// <summary>Checks the device with fsck.erofs, mounts it and describes what Linux shows.</summary>
    public static SortedDictionary<string, string> OfDevice(string device, string mountPoint)
    {
        ProgramRun.Of("/usr/bin/fsck.erofs", device).Succeeded();
        Directory.CreateDirectory(mountPoint);
        ProgramRun.Of("/usr/bin/mount", "-t", "erofs", "-o", "loop,ro", device, mountPoint).Succeeded();
        try
        {
            return PosixTree.Describe(mountPoint);
        }
        finally
        {
            ProgramRun.Of("/usr/bin/umount", mountPoint);
        }
    }

    /// <summary>Skips the test where EROFS cannot be mounted or a tool is missing.</summary>
    public static void Need(params string[] tools)
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "mounting needs root");
        Skip.IfNot(File.ReadAllText("/proc/filesystems").Contains("erofs", StringComparison.Ordinal), "this kernel has no EROFS");
        foreach (string tool in (string[])["/usr/bin/fsck.erofs", .. tools])
            Skip.IfNot(File.Exists(tool), $"{tool} is not installed");
    }
}
