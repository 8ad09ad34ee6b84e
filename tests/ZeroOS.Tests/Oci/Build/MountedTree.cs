using System.Security.Cryptography;
using System.Text;

using Xunit;

using ZeroOS.Linux;
using ZeroOS.Tests.Linux.Netlink;

namespace ZeroOS.Tests.Oci.Build;

/// <summary>A tree described line by line, and the kernel's own reading of an EROFS device.</summary>
internal static class MountedTree
{
    /// <summary>Checks the device with fsck.erofs, mounts it and describes what Linux shows.</summary>
    public static SortedDictionary<string, string> OfDevice(string device, string mountPoint)
    {
        (int code, string output) = NamespaceTool.Try("/usr/bin/fsck.erofs", device);
        Assert.True(code == 0, output);
        Directory.CreateDirectory(mountPoint);
        (code, output) = NamespaceTool.Try("/usr/bin/mount", "-t", "erofs", "-o", "loop,ro", device, mountPoint);
        Assert.True(code == 0, output);
        try
        {
            return Describe(mountPoint);
        }
        finally
        {
            NamespaceTool.Try("/usr/bin/umount", mountPoint);
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

    public static SortedDictionary<string, string> Describe(string path)
    {
        var lines = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var firstNames = new Dictionary<ulong, string>();
        using OpenDirectory root = OpenDirectory.Open(path);
        lines["."] = Line(root, "", ".", firstNames);
        Walk(root, "", lines, firstNames);
        return lines;
    }

    private static void Walk(OpenDirectory directory, string prefix, SortedDictionary<string, string> lines, Dictionary<ulong, string> firstNames)
    {
        foreach (string name in directory.Names())
        {
            lines[prefix + name] = Line(directory, name, prefix + name, firstNames);
            if ((directory.Status(name).Mode & 0xF000) != 0x4000)
                continue;
            using OpenDirectory child = directory.OpenChild(name);
            Walk(child, prefix + name + "/", lines, firstNames);
        }
    }

    private static string Line(OpenDirectory directory, string name, string path, Dictionary<ulong, string> firstNames)
    {
        FileStatus s = directory.Status(name);
        var line = new StringBuilder($"{s.Mode:x} {s.Uid}:{s.Gid} {s.MtimeSeconds}.{s.MtimeNanoseconds:d9} links={s.Links}");
        int type = s.Mode & 0xF000;
        if (type is 0x2000 or 0x6000)
            line.Append($" device={s.Device}");
        if (type == 0xA000)
            line.Append($" to={directory.ReadLink(name)}");
        if (type != 0x4000 && s.Links > 1)
            line.Append($" first={(firstNames.TryAdd(s.Inode, path) ? path : firstNames[s.Inode])}");
        if (type == 0x8000)
        {
            using FileDescriptor file = directory.OpenFile(name);
            var content = new byte[s.Size];
            for (int at = 0, n; at < content.Length && (n = file.Read(content.AsSpan(at))) > 0; at += n)
            {
            }
            line.Append($" size={s.Size} {Convert.ToHexString(SHA256.HashData(content))}");
        }
        foreach ((string attribute, byte[] value) in directory.Xattrs(name).OrderBy(x => x.Key, StringComparer.Ordinal))
            line.Append($" {attribute}={Convert.ToHexString(value)}");
        return line.ToString();
    }
}
